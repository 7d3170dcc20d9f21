// Passkeys: a form asks for a challenge, lets the browser sign it, and is sent with the answer.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const described = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

const signed = async ({ publicKey }) => {
  const options = { ...publicKey, challenge: bytes(publicKey.challenge) };
  if (options.user) {
    options.user = { ...options.user, id: bytes(options.user.id) };
    options.excludeCredentials = described(options.excludeCredentials);
    return navigator.credentials.create({ publicKey: options });
  }
  options.allowCredentials = described(options.allowCredentials);
  return navigator.credentials.get({ publicKey: options });
};

const written = (credential) => {
  const { response } = credential;
  const parts = {};
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (response[name]?.byteLength) parts[name] = text(response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response: parts });
};

const reason = (error) => ({
  NotAllowedError: 'Nothing was signed: it was cancelled, took too long, or there is no passkey for this console.',
  InvalidStateError: 'This device has a passkey of yours already.',
}[error.name] ?? `It did not work: ${error.message}`);

const run = async (form) => {
  const headers = { 'x-csrf': form.elements.csrf.value };
  const answer = await fetch(form.dataset.passkey, { method: 'POST', headers });
  if (answer.redirected || !answer.ok) throw new Error('the server does not ask for a passkey now. Reload the page.');
  form.elements.credential.value = written(await signed(await answer.json()));
  form.submit();
};

for (const form of document.querySelectorAll('form[data-passkey]')) {
  if (!globalThis.PublicKeyCredential || location.origin !== form.dataset.origin) {
    const elsewhere = form.parentElement.querySelector('.passkey-elsewhere');
    const link = elsewhere?.querySelector('a');
    // A browser without passkeys has none at the other address either.
    if (!link || location.origin === form.dataset.origin) continue;
    link.href = form.dataset.origin + location.pathname + location.search;
    elsewhere.hidden = false;
    continue;
  }
  form.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const [button, problem] = [form.querySelector('button'), form.querySelector('[role=alert]')];
    button.disabled = true;
    problem.hidden = true;
    try {
      await run(form);
    } catch (error) {
      problem.textContent = reason(error);
      problem.hidden = false;
      button.disabled = false;
    }
  });
}
