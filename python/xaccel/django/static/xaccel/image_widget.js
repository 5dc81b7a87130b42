"use strict";

// The preview of an image in Django's admin, and the picker of its focal point.
//
// The picker writes to the two number inputs of the focal point. They work without this file.
{
  const STEPS = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };

  const clamp = (number) => Math.min(100, Math.max(0, Math.round(number)));

  /** The two number inputs of the focal point that belongs to an image. */
  const focalInputs = (widget) => {
    const { field, name } = widget.dataset;
    const form = widget.closest("form");
    if (!field || !form) return null;
    // In an inline form, both names have the same prefix.
    const prefix = name.slice(0, name.lastIndexOf("-") + 1);
    const inputs = [0, 1].map((index) => form.elements.namedItem(`${prefix}${field}_${index}`));
    return inputs.every((input) => input instanceof HTMLInputElement) ? inputs : null;
  };

  const addPicker = (widget, picture, inputs) => {
    const marker = document.createElement("span");
    marker.className = "xaccel-marker";
    marker.hidden = true;
    const status = document.createElement("output");
    status.className = "xaccel-status";
    picture.append(marker);
    widget.append(status);
    picture.tabIndex = 0;
    picture.setAttribute("role", "application");
    picture.setAttribute("aria-label", widget.dataset.label);
    picture.setAttribute("aria-describedby", widget.querySelector(".xaccel-hint").id);
    widget.querySelector(".xaccel-hint").hidden = false;

    const point = () =>
      inputs.every((input) => input.value !== "" && input.checkValidity())
        ? inputs.map((input) => Number(input.value))
        : null;

    const show = () => {
      const found = point();
      marker.hidden = found === null;
      if (found === null) return;
      [marker.style.left, marker.style.top] = found.map((number) => `${number}%`);
    };

    const set = (values) => {
      inputs.forEach((input, index) => {
        input.value = values === null ? "" : String(clamp(values[index]));
        input.dispatchEvent(new Event("input", { bubbles: true }));
        input.dispatchEvent(new Event("change", { bubbles: true }));
      });
      const found = point();
      status.value = found
        ? widget.dataset.position.replace("{x}", found[0]).replace("{y}", found[1])
        : widget.dataset.center;
    };

    const pick = (event) => {
      const box = picture.querySelector("img").getBoundingClientRect();
      if (!box.width || !box.height) return;
      set([
        ((event.clientX - box.left) / box.width) * 100,
        ((event.clientY - box.top) / box.height) * 100,
      ]);
    };

    picture.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      picture.focus();
      picture.setPointerCapture(event.pointerId);
      pick(event);
    });
    picture.addEventListener("pointermove", (event) => {
      if (picture.hasPointerCapture(event.pointerId)) pick(event);
    });
    picture.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "Delete" || event.key === "Backspace") {
        event.preventDefault();
        set(null);
      } else if (event.key in STEPS) {
        event.preventDefault();
        const [x, y] = point() ?? [50, 50];
        const [right, down] = STEPS[event.key];
        const length = event.shiftKey ? 10 : 1;
        set([x + right * length, y + down * length]);
      }
    });
    for (const input of inputs) input.addEventListener("input", show);
    show();
    return set;
  };

  const start = (widget) => {
    if (widget.dataset.started) return;
    widget.dataset.started = "true";
    const form = widget.closest("form");
    const picture = widget.querySelector(".xaccel-picture");
    const image = picture.querySelector("img");
    const error = widget.querySelector(".xaccel-error");
    // A new inline form is a copy of the empty form. Only its file input has the new name.
    const file = widget.parentElement.querySelector("input[type=file]");
    widget.dataset.name = file.name;
    let set = null;

    const ready = () => {
      image.hidden = false;
      error.hidden = true;
      const inputs = focalInputs(widget);
      if (inputs && set === null) set = addPicker(widget, picture, inputs);
    };
    const failed = () => {
      image.hidden = true;
      error.hidden = false;
    };

    image.addEventListener("load", ready);
    image.addEventListener("error", failed);
    if (image.getAttribute("src") && image.complete) image.naturalWidth ? ready() : failed();

    file.addEventListener("change", () => {
      URL.revokeObjectURL(widget.dataset.chosen);
      const [chosen] = file.files;
      if (!chosen) return;
      // The focal point of the old picture says nothing about the new one.
      if (set !== null) set(null);
      widget.dataset.chosen = URL.createObjectURL(chosen);
      image.src = widget.dataset.chosen;
    });
    form?.addEventListener("reset", () => URL.revokeObjectURL(widget.dataset.chosen));
  };

  const startAll = (root) => {
    for (const widget of root.querySelectorAll(".xaccel-image")) {
      // Django copies this form for each new row.
      if (!widget.closest(".empty-form")) start(widget);
    }
  };

  document.addEventListener("DOMContentLoaded", () => startAll(document));
  document.addEventListener("formset:added", (event) => startAll(event.target));
}
