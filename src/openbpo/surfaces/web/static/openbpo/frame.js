// The theme follows the system until the switch is used; then a cookie remembers it for the server.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  const say = () => { button.textContent = isDark() ? button.dataset.light : button.dataset.dark; };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `openbpo_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${secure}`;
    say();
  });
  system.addEventListener("change", say);
  say();
}

for (const choice of document.querySelectorAll("[data-submits]")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}
for (const spare of document.querySelectorAll("[data-hidden-with-script]")) spare.hidden = true;

// A row of links is walked with J and K.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea")) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const links = [...document.querySelectorAll(".table.rows tbody th a")];
  const at = links.indexOf(document.activeElement);
  links[Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
});

// The cards of a board are walked with the arrows: left and right between steps, up and down in one.
document.addEventListener("keydown", (event) => {
  const card = document.activeElement?.closest?.(".board a.card");
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!card || !way || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const steps = [...card.closest(".board").children].map((step) => [...step.querySelectorAll("a.card")]);
  let step = steps.findIndex((cards) => cards.includes(card));
  const row = steps[step].indexOf(card);
  if (way[1]) return steps[step][row + way[1]]?.focus();
  do step += way[0]; while (steps[step] && !steps[step].length);
  steps[step]?.[Math.min(row, steps[step].length - 1)].focus();
});
