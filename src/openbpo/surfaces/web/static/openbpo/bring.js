// A file can be dropped on the form that has a field for one; without this the plain field does.
for (const form of document.querySelectorAll("[data-drop-zone]")) {
  const field = form.querySelector("[data-drop]");
  const word = form.querySelector("[data-drop-word]");
  if (!field) continue;
  if (word) word.hidden = false;
  const over = (event) => {
    event.preventDefault();
    form.toggleAttribute("data-over", event.type !== "dragleave");
  };
  for (const kind of ["dragenter", "dragover", "dragleave"]) form.addEventListener(kind, over);
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.removeAttribute("data-over");
    if (!event.dataTransfer.files.length) return;
    field.files = event.dataTransfer.files;
    field.focus();
  });
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
  });
}

// The browser knows its own zone: a good first answer, where nothing was said.
for (const field of document.querySelectorAll("[data-own-zone]")) {
  if (!field.value) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
}
