// Questions to the person, in the page's own dialog. It gives the focus back where it was.

const dialog = document.getElementById("ask");
const field = document.getElementById("ask-value");

/** ask returns what was typed, "yes" where there is no field, or null where the person would rather not. */
export function ask({ title, label = "", value = "", yes, secret = false }) {
  document.getElementById("ask-title").textContent = title;
  document.getElementById("ask-yes").textContent = yes;
  document.getElementById("ask-label").hidden = label === "";
  document.getElementById("ask-label").firstElementChild.textContent = label;
  field.type = secret ? "password" : "text";
  field.value = value;
  dialog.returnValue = "";
  dialog.showModal();
  (label ? field : document.getElementById("ask-yes")).focus();
  field.select();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    const said = label ? field.value.trim() : "yes";
    field.value = "";
    resolve(dialog.returnValue === "yes" && said !== "" ? said : null);
  }, { once: true }));
}

// Enter in the field means yes, though Cancel is the form's first button.
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  dialog.close("yes");
});
