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
  // The field for the key shows how keys of this API look.
  const hint = () => {
    for (const input of document.querySelectorAll('input[placeholder^="QUxMIFlPVVI"]')) input.placeholder = 'pgk_test_…';
  };
  new MutationObserver(hint).observe(document.body, { childList: true, subtree: true });
  addEventListener('paygen-theme', () => reference.updateConfiguration(config()));
})();
