// Comforts of the docs: theme, copying, search, the place in the contents. Without them every page reads as well.
(() => {
  'use strict';
  const root = document.documentElement;
  const dark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';

  document.querySelector('button.theme').addEventListener('click', () => {
    root.dataset.theme = dark() ? 'light' : 'dark';
    try {
      localStorage.setItem('paygen-docs-theme', root.dataset.theme);
    } catch {
      // It holds for this page then.
    }
    dispatchEvent(new CustomEvent('paygen-theme', { detail: root.dataset.theme }));
  });

  for (const button of document.querySelectorAll('button.copy')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      const code = button.closest('.code').querySelector('pre:not([hidden]) code');
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = 'Copied';
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = 'Selected';
      }
      setTimeout(() => { button.textContent = 'Copy'; }, 1600);
    });
  }

  // Requests are shown in the language that was chosen last, on all pages.
  const languages = [...document.querySelectorAll('button.lang')];
  const speak = (name) => {
    for (const button of languages) button.setAttribute('aria-pressed', String(button.dataset.lang === name));
    for (const code of document.querySelectorAll('pre[data-lang]')) code.hidden = code.dataset.lang !== name;
  };
  for (const button of languages) {
    button.hidden = false;
    button.addEventListener('click', () => {
      const before = button.getBoundingClientRect().top;
      speak(button.dataset.lang);
      // What is above may have become longer or shorter: the button stays where it was clicked.
      scrollBy({ top: button.getBoundingClientRect().top - before, behavior: 'instant' });
      try {
        localStorage.setItem('paygen-docs-language', button.dataset.lang);
      } catch {
        // It holds for this page then.
      }
    });
  }
  try {
    const chosen = localStorage.getItem('paygen-docs-language');
    if (languages.some((button) => button.dataset.lang === chosen)) speak(chosen);
  } catch {
    // curl then.
  }

  // The section being read is marked in the contents.
  const links = [...document.querySelectorAll('.toc a')];
  if (links.length) {
    const heads = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
    const mark = () => {
      let at = heads.findLastIndex((head) => head && head.getBoundingClientRect().top < 140);
      if (scrollY + innerHeight >= document.body.scrollHeight - 2) at = heads.length - 1;
      links.forEach((link, number) => link.toggleAttribute('data-here', number === Math.max(at, 0)));
    };
    addEventListener('scroll', mark, { passive: true });
    mark();
  }
  document.querySelector('.side [aria-current]')?.scrollIntoView({ block: 'nearest' });

  // Search.
  const opener = document.querySelector('button.find');
  let box;
  let found = [];
  let at = 0;
  let index;

  const load = (src) => new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = src;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });

  const prepare = () => {
    index ??= (async () => {
      const [entries] = await Promise.all([
        fetch(opener.dataset.index).then((answer) => answer.json()),
        load(opener.dataset.minisearch),
      ]);
      const search = new MiniSearch({
        fields: ['title', 'place', 'text'],
        storeFields: ['title', 'place', 'href', 'text'],
        searchOptions: { boost: { title: 4, place: 1.5 }, prefix: true, fuzzy: (word) => (word.length > 4 ? 0.2 : 0), combineWith: 'AND' },
      });
      search.addAll(entries);
      return search;
    })();
    return index;
  };

  const make = (name, text, attributes = {}) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  // The words that were found, marked; built from text, never from markup.
  const marked = (text, terms) => {
    const piece = document.createDocumentFragment();
    const words = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
    const parts = words ? text.split(new RegExp(`(${words})`, 'i')) : [text];
    parts.forEach((part, number) => piece.append(number % 2 ? make('mark', part) : part));
    return piece;
  };

  const around = (text, terms) => {
    const low = text.toLowerCase();
    const first = Math.min(...terms.map((term) => low.indexOf(term)).filter((place) => place >= 0), text.length);
    const begin = first > 60 && first < text.length ? text.indexOf(' ', first - 50) + 1 : 0;
    return (begin ? '… ' : '') + text.slice(begin, begin + 130);
  };

  const choose = (number) => {
    const items = box.list.children;
    items[at]?.setAttribute('aria-selected', 'false');
    at = (number + found.length) % found.length;
    items[at].setAttribute('aria-selected', 'true');
    items[at].scrollIntoView({ block: 'nearest' });
    box.input.setAttribute('aria-activedescendant', items[at].id);
  };

  const show = async () => {
    const text = box.input.value.trim();
    const search = await prepare();
    if (text !== box.input.value.trim()) return;
    found = text ? search.search(text) : [];
    // Where nothing has all of the words, what has some of them is better than nothing.
    if (text && !found.length) found = search.search(text, { combineWith: 'OR' });
    found = found.slice(0, 12);
    box.list.replaceChildren(...found.map((hit, number) => {
      const item = make('li', '', { role: 'option', id: `hit-${number}`, 'aria-selected': 'false' });
      const link = make('a', '', { href: hit.href, tabindex: '-1' });
      const title = make('strong');
      title.append(marked(hit.title, hit.terms));
      const line = make('span');
      line.append(marked(around(hit.text, hit.terms), hit.terms));
      link.append(make('em', hit.place), title, line);
      link.addEventListener('click', () => box.dialog.close());
      item.append(link);
      item.addEventListener('mousemove', () => { if (at !== number) choose(number); });
      return item;
    }));
    box.note.textContent = found.length ? '' : text ? `Nothing is found for “${text}”.` : 'Guides, calls, error codes: type a few letters.';
    box.input.setAttribute('aria-expanded', String(found.length > 0));
    if (found.length) choose(0);
  };

  const build = () => {
    const dialog = make('dialog', '', { class: 'search', 'aria-label': 'Search the docs' });
    const input = make('input', '', {
      type: 'search', placeholder: 'Search the docs', 'aria-label': 'Search the docs', role: 'combobox', autocomplete: 'off',
      'aria-controls': 'hits', 'aria-expanded': 'false', 'aria-autocomplete': 'list', spellcheck: 'false',
    });
    const list = make('ul', '', { id: 'hits', role: 'listbox', 'aria-label': 'Results' });
    const note = make('p', '', { role: 'status' });
    const keys = make('footer');
    for (const [key, word] of [['↑↓', 'choose'], ['Enter', 'open'], ['Esc', 'close']]) {
      const span = make('span');
      span.append(make('kbd', key), ` ${word}`);
      keys.append(span);
    }
    dialog.append(input, note, list, keys);
    document.body.append(dialog);
    input.addEventListener('input', show);
    input.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' && found.length) choose(at + 1);
      else if (event.key === 'ArrowUp' && found.length) choose(at - 1);
      else if (event.key === 'Enter' && found.length) box.list.children[at].firstChild.click();
      // A search field takes the first Escape to empty itself.
      else if (event.key === 'Escape') dialog.close();
      else return;
      event.preventDefault();
    });
    dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
    return { dialog, input, list, note };
  };

  const open = () => {
    box ??= build();
    if (!box.dialog.open) box.dialog.showModal();
    box.input.select();
    show();
  };

  opener.addEventListener('click', open);
  addEventListener('keydown', (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    const slash = event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const control = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (slash || control) {
      event.preventDefault();
      event.stopImmediatePropagation();
      open();
    }
  }, { capture: true });
})();
