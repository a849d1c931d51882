// Who is champion is shown as the ledger remembers it. MLflow is asked when somebody wants to know, and at once where that
// is cheap; a difference between the two is said loudly.
export function askRegistry() {
  for (const place of document.querySelectorAll("[data-registry]")) {
    place.querySelector("button").addEventListener("click", () => ask(place));
    if (place.dataset.atOnce !== undefined) ask(place);
  }
}

async function ask(place) {
  const said = place.querySelector("[role=status]");
  const button = place.querySelector("button");
  button.disabled = true;
  said.textContent = "Asking MLflow. The first time this takes some seconds.";
  try {
    const answer = await fetch(place.dataset.registry, { headers: { Accept: "application/json" } });
    const told = await answer.json();
    said.textContent = told.sentence ?? told.detail;
    place.classList.toggle("bad", answer.ok && told.answers && !told.agrees);
    place.classList.toggle("good", answer.ok && told.agrees);
    button.hidden = answer.ok && told.agrees;
    button.textContent = "Ask again";
  } catch {
    said.textContent = "MLflow could not be asked, because Airflow did not answer.";
  }
  button.disabled = false;
}
