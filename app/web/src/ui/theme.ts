/** Light or dark; `theme.js` sets it before the first paint. */

/** A theme. */
export type Theme = "light" | "dark";

/** The theme that is shown. */
export function currentTheme(): Theme {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

/** Shows a theme and remembers it. */
export function setTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("assay.theme", theme);
  } catch {
    // Without storage it lasts until the page is closed.
  }
}
