// What the fields of the page do that browsers don't.

/** grow gives the prompt the height of its text, up to a third of the window. */
export function grow(prompt) {
  prompt.style.height = "auto";
  prompt.style.height = `${Math.min(prompt.scrollHeight, innerHeight / 3)}px`;
}

/** choose selects what is still there. */
export function choose(select, value) {
  if ([...select.options].some((option) => option.value === value)) select.value = value;
}
