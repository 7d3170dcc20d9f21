// Before anything is drawn: scripts run, and the theme is the one chosen last.
const root = document.documentElement;
root.classList.add('js');
try {
  const theme = localStorage.getItem('paygen-console-theme');
  if (theme === 'dark' || theme === 'light') root.dataset.theme = theme;
} catch {
  // Without storage the system's choice stands.
}
