// Actions: buttons open dialogs, forms are sent as JSON to their action, and what came of it is said on the page. A form is
// sent once: its buttons sleep until there is an answer.
export function takeActions() {
  document.addEventListener("click", (event) => {
    const opens = event.target.closest("[data-opens]");
    if (opens) open(document.getElementById(opens.dataset.opens));
    if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-action]");
    if (!form) return;
    event.preventDefault();
    send(form);
  });
}

function open(dialog) {
  dialog.querySelector(".outcome").replaceChildren();
  dialog.showModal();
  dialog.querySelector("textarea")?.focus();
}

async function send(form) {
  const buttons = [...form.querySelectorAll("button")];
  const outcome = form.querySelector(".outcome");
  buttons.forEach((button) => (button.disabled = true));
  outcome.className = "outcome";
  outcome.textContent = `${form.dataset.doing} …`;
  try {
    const answer = await fetch(form.dataset.action, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(values(form)),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    done(form, outcome, said.sentence);
  } catch (error) {
    outcome.classList.add("bad");
    outcome.textContent = error instanceof TypeError || error instanceof SyntaxError
      ? "Airflow did not answer. Whether it was done is not known: load the page again and look before you try again."
      : error.message;
    buttons.forEach((button) => (button.disabled = false));
  }
}

function values(form) {
  const found = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    found[field.name] = field.type === "checkbox" ? field.checked : field.value;
    if (field.dataset.none !== undefined && field.value === "") found[field.name] = null;
  }
  return found;
}

function done(form, outcome, sentence) {
  if (form.dataset.reloads !== undefined) {
    location.reload();
    return;
  }
  outcome.classList.add("good");
  outcome.textContent = sentence;
  const look = Object.assign(document.createElement("button"), { type: "button", className: "primary", textContent: "Show the page as it is now" });
  look.addEventListener("click", () => location.reload());
  form.querySelector(".buttons").replaceChildren(look);
  form.closest("dialog")?.addEventListener("close", () => location.reload());
  look.focus();
}
