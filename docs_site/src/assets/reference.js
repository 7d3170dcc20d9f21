// The reference viewer, told where the contract is, to stay on this server, and to follow the theme of the docs.
(() => {
  'use strict';
  const root = document.documentElement;
  const place = document.getElementById('reference');
  if (typeof Scalar === 'undefined') {
    root.classList.add('no-viewer');
    return;
  }
  const dark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  const config = () => ({
    url: place.dataset.contract,
    baseServerURL: location.origin,
    theme: 'none',
    layout: 'modern',
    withDefaultFonts: false,
    telemetry: false,
    forceDarkModeState: dark() ? 'dark' : 'light',
    hideDarkModeToggle: true,
    hideSearch: true,
    hideClientButton: true,
    showDeveloperTools: 'never',
    agent: { disabled: true },
    mcp: { disabled: true },
    documentDownloadType: 'direct',
    persistAuth: false,
    authentication: { preferredSecurityScheme: 'apiKey' },
    defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
    hiddenClients: {
      c: true, clojure: true, csharp: true, dart: true, fsharp: true, http: true, java: true, js: true, julia: true, kotlin: true,
      objc: true, ocaml: true, php: true, powershell: true, r: true, ruby: true, swift: true,
      node: ['axios', 'ofetch', 'undici'], python: ['aiohttp', 'httpx_async', 'httpx_sync', 'python3'], shell: ['httpie', 'wget'], rust: [],
    },
    generateOperationSlug: (operation) => operation.operationId || `${operation.method}${operation.path}`,
  });
  // Links name a call by its operationId; the viewer wants its group before it.
  const translate = () => {
    const call = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (call?.dataset.group) history.replaceState(history.state, '', `#tag/${call.dataset.group}/${call.id}`);
    return Boolean(call?.dataset.group);
  };
  translate();
  addEventListener('hashchange', () => { if (translate()) dispatchEvent(new HashChangeEvent('hashchange')); });
  const reference = Scalar.createApiReference(place, config());
  // What the viewer leaves unsaid for those who do not see it, or come without a mouse.
  const set = (element, name, value) => { if (element.getAttribute(name) !== value) element.setAttribute(name, value); };
  const mend = () => {
    // The field for the key shows how keys of this API look.
    for (const input of document.querySelectorAll('input[placeholder^="QUxMIFlPVVI"]')) input.placeholder = 'pgk_test_…';
    for (const button of document.querySelectorAll('button[class*="copy-button"]:not([aria-label])')) set(button, 'aria-label', 'Copy');
    for (const editor of document.querySelectorAll('.code-input-lite__editor')) {
      // It has no list of its own to be a combobox of.
      set(editor, 'role', 'textbox');
      if (!editor.ariaLabel) set(editor, 'aria-label', editor.closest('td, label, div[for]')?.querySelector('label')?.textContent || 'Value');
    }
    for (const link of document.querySelectorAll('a.endpoint:not([href], [tabindex])')) {
      set(link, 'role', 'link');
      set(link, 'tabindex', '0');
    }
    // In the console.
    for (const button of document.querySelectorAll('button[role="none"]')) button.removeAttribute('role');
    for (const editor of document.querySelectorAll('.cm-content[contenteditable="true"]:not([aria-label])')) set(editor, 'aria-label', 'Body');
    for (const choice of document.querySelectorAll('.scalar-client button[aria-haspopup="menu"]:not([aria-label])')) {
      if (!choice.textContent.trim()) set(choice, 'aria-label', 'Value');
    }
    const told = document.querySelector('.scalar-client > section[aria-live]');
    if (told) set(told, 'aria-label', 'Notifications of the console');
    // One for each call and named alike, so that as landmarks they lead nowhere.
    for (const card of document.querySelectorAll('.response-card[role="region"]')) set(card, 'role', 'group');
  };
  let due = false;
  new MutationObserver(() => {
    if (due) return;
    due = true;
    setTimeout(() => { due = false; mend(); }, 50);
  }).observe(document.body, { childList: true, subtree: true });
  addEventListener('keydown', (event) => { if (event.key === 'Enter' && event.target.matches?.('a.endpoint:not([href])')) event.target.click(); });
  addEventListener('paygen-theme', () => reference.updateConfiguration(config()));
})();
