// Runs before the first paint: a remembered light or dark choice must not flash the other one.
try {
  const theme = localStorage.getItem('triptych.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's preference then decides.
}
