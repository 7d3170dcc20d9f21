// Comforts of the console: theme, time zone, copying, keys. Without them every page works as well.

const page = document.documentElement;

const stored = (name) => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
};
const store = (name, value) => {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It holds for this page then.
  }
};

const make = (name, text, attributes = {}) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

// Theme.
document.querySelector('button.theme')?.addEventListener('click', () => {
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  page.dataset.theme = (page.dataset.theme || system) === 'dark' ? 'light' : 'dark';
  store('paygen-console-theme', page.dataset.theme);
});

// Times are written in UTC by the server; here they may be read in the browser's zone.
const zone = document.querySelector('button.zone');
const read = () => [...document.querySelectorAll('time[data-zone]')].map((element) => ({
  element,
  text: element.dataset.text ??= element.textContent,
  moment: new Date(element.dateTime),
})).filter(({ moment, element }) => !Number.isNaN(moment.getTime()) && element.dateTime.includes('T'));

const two = (number) => String(number).padStart(2, '0');
const day = (moment, utc) => (utc
  ? [moment.getUTCFullYear(), moment.getUTCMonth() + 1, moment.getUTCDate()]
  : [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()]).map(two).join('-');
const clock = (moment, utc, seconds) => (utc
  ? [moment.getUTCHours(), moment.getUTCMinutes(), moment.getUTCSeconds()]
  : [moment.getHours(), moment.getMinutes(), moment.getSeconds()]).slice(0, seconds ? 3 : 2).map(two).join(':');
const short = (moment) => new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' }).formatToParts(moment)
  .find(({ type }) => type === 'timeZoneName')?.value ?? 'local';

const write = (local) => {
  for (const { element, text, moment } of read()) {
    // A page that leaves the seconds out does so in every zone.
    const seconds = /\d:\d\d:\d\d/.test(text);
    const raw = text.trim() === element.dateTime;
    element.textContent = !local && !raw ? text : `${day(moment, !local)} ${clock(moment, !local, seconds)} ${local ? short(moment) : 'UTC'}`;
    element.title = local
      ? `${day(moment, true)} ${clock(moment, true, true)} UTC`
      : `${day(moment, false)} ${clock(moment, false, true)} ${short(moment)}`;
  }
  if (!zone) return;
  const name = local ? short(new Date()) : 'UTC';
  zone.querySelector('span').textContent = name;
  zone.setAttribute('aria-label', `Time zone of the times shown: ${name}`);
  zone.title = local ? 'Show times in UTC' : `Show times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
};
let local = stored('paygen-console-zone') === 'local';
write(local);
zone?.addEventListener('click', () => {
  local = !local;
  store('paygen-console-zone', local ? 'local' : 'utc');
  write(local);
});

// A live list is read again every two seconds while it is seen. That does not keep the session alive.
const live = document.querySelector('[data-live]');
if (live) {
  const button = make('button', 'Live', { type: 'button', class: 'button small live', 'aria-pressed': 'false' });
  const rows = () => [...live.querySelectorAll('tbody tr')];
  const name = (row) => row.querySelector('a')?.getAttribute('href');
  let timer;
  const stop = (word) => {
    clearInterval(timer);
    timer = undefined;
    button.setAttribute('aria-pressed', 'false');
    if (word) button.textContent = word;
  };
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { 'x-live': '1' } });
      if (!answer.ok || answer.redirected) return stop('Live: reload the page');
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-live]');
      if (!timer || !fresh) return;
      const known = new Set(rows().map(name));
      live.replaceChildren(...fresh.childNodes);
      rows().filter((row) => !known.has(name(row))).forEach((row) => row.classList.add('fresh'));
      write(local);
    } catch {
      // The server is away: the next time may find it.
    }
  };
  button.addEventListener('click', () => {
    if (timer) return stop();
    button.textContent = 'Live';
    button.setAttribute('aria-pressed', 'true');
    timer = setInterval(refresh, 2000);
    refresh();
  });
  document.querySelector('.page-head').append(button);
}

// Copying.
const said = make('p', '', { class: 'unseen', role: 'status' });
(document.querySelector('main') ?? document.body).append(said);
for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    const items = source.querySelectorAll('li');
    const text = items.length ? [...items].map((item) => item.textContent.trim()).join('\n') : source.textContent.trim();
    let word = 'Copied';
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(source);
      word = 'Selected';
    }
    said.textContent = word;
    button.classList.add('copied');
    const before = button.querySelector('svg') ? null : button.textContent;
    if (before && !button.dataset.before) {
      button.dataset.before = before;
      button.textContent = word;
    }
    setTimeout(() => {
      button.classList.remove('copied');
      if (button.dataset.before) button.textContent = button.dataset.before;
      delete button.dataset.before;
      said.textContent = '';
    }, 1600);
  });
}

// A menu closes when the reader turns elsewhere.
const user = document.querySelector('details.user');
if (user) {
  addEventListener('click', (event) => {
    if (!user.contains(event.target)) user.open = false;
  });
  user.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !user.open) return;
    user.open = false;
    user.querySelector('summary').focus();
  });
}

// A form that came back with problems begins with them.
document.getElementById('problems')?.focus();
document.querySelector('.side [aria-current]')?.scrollIntoView({ block: 'nearest' });

// Keys.
const search = document.getElementById('search');
const links = new Map();
for (const link of document.querySelectorAll('.side a[data-key]')) links.set(link.dataset.key.toLowerCase(), link);

let help;
const showKeys = () => {
  if (!help) {
    help = make('dialog', '', { class: 'keys', 'aria-labelledby': 'keys-title' });
    const head = make('div', '', { class: 'keys-head' });
    const close = make('button', 'Close', { type: 'button', class: 'button small' });
    close.addEventListener('click', () => help.close());
    head.append(make('h2', 'Keys', { id: 'keys-title' }), close);
    const list = make('dl');
    const line = (keys, word) => {
      const row = make('div');
      const term = make('dt');
      for (const key of keys) term.append(make('kbd', key), ' ');
      row.append(term, make('dd', word));
      list.append(row);
    };
    if (search) line(['/'], 'Search');
    line(['?'], 'These keys');
    for (const [key, link] of links) line(['g', key], link.textContent.trim());
    help.append(head, list);
    help.addEventListener('click', (event) => {
      if (event.target === help) help.close();
    });
    document.body.append(help);
  }
  if (!help.open) help.showModal();
};

let going = 0;
addEventListener('keydown', (event) => {
  const typing = event.target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  const key = event.key.toLowerCase();
  // The letter after g counts only when it comes soon.
  if (event.timeStamp - going < 1200 && links.has(key)) {
    event.preventDefault();
    going = 0;
    links.get(key).click();
    return;
  }
  going = key === 'g' && links.size ? event.timeStamp : 0;
  if (event.key === '/' && search) {
    event.preventDefault();
    search.select();
  } else if (event.key === '?') {
    event.preventDefault();
    showKeys();
  }
});
