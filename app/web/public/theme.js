// Runs before the first paint, so that a page in the other theme never flashes.
(() => {
  let theme = "system";
  try {
    theme = localStorage.getItem("assay.theme") ?? "system";
  } catch {
    // Storage may be forbidden; the system's theme is fine.
  }
  const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
