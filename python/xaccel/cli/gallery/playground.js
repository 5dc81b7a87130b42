// Shows the thumbnail that results from the options in the form. The query of the page's address
// contains the options, so that a reload or a bookmark keeps them.

const form = document.getElementById("options");
const before = document.getElementById("before");
const after = document.getElementById("after");
const stage = after.parentElement;
const divider = document.getElementById("divider");
const facts = document.getElementById("facts");
const ACCEPT = "image/avif,image/webp,image/*";
const DELAY = 150;

const fields = () => [...form.elements].filter((field) => field.name);
const valueOf = (field) => (field.type === "checkbox" ? (field.checked ? "1" : "") : field.value);

function query() {
  const changed = fields().filter((field) => valueOf(field) !== field.dataset.default);
  return new URLSearchParams(changed.map((field) => [field.name, valueOf(field)]));
}

function fill(parameters) {
  for (const field of fields()) {
    const value = parameters.get(field.name) ?? field.dataset.default;
    if (field.type === "checkbox") field.checked = value === "1";
    else field.value = value;
  }
}

function showNumbers() {
  for (const number of form.querySelectorAll("[data-value-of]")) {
    number.textContent = document.getElementById(number.dataset.valueOf).value;
  }
}

let latest = 0;

async function update() {
  const request = ++latest;
  const parameters = query();
  const search = parameters.size ? `?${parameters}` : "";
  history.replaceState(null, "", location.pathname + search);
  stage.ariaBusy = "true";
  let result;
  try {
    const response = await fetch(form.action + search, { headers: { Accept: ACCEPT } });
    result = await response.json();
  } catch {
    result = { error: "The server does not respond. Is xaccel serve still running?" };
  }
  // A slower response to an earlier change must not replace this one.
  if (request !== latest) return;
  stage.ariaBusy = "false";
  facts.classList.toggle("error", "error" in result);
  facts.textContent = result.error ?? result.facts;
  if (result.error) return;
  before.src = result.before;
  after.src = result.after;
  for (const key of ["spec", "url", "jinja", "django", "python"]) {
    document.getElementById(`code-${key}`).textContent = result[key];
  }
}

let timer;

function schedule() {
  showNumbers();
  clearTimeout(timer);
  timer = setTimeout(update, DELAY);
}

async function copy(button) {
  const code = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(code.textContent);
    facts.textContent = "Copied.";
  } catch {
    // Browsers allow this only on localhost and with TLS.
    getSelection().selectAllChildren(code);
    facts.textContent = "Selected. Press Ctrl+C to copy.";
  }
}

form.addEventListener("input", schedule);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", (event) => {
  event.preventDefault();
  fill(new URLSearchParams());
  schedule();
});
divider.addEventListener("input", () => stage.style.setProperty("--divider", `${divider.value}%`));
document.addEventListener("click", ({ target }) => {
  if (target.dataset.copy) copy(target);
});

fill(new URLSearchParams(location.search));
showNumbers();
update();
