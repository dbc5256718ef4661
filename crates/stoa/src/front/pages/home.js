"use strict";
// Copy buttons. They are made here, so that there are none where they would do nothing.
{
  const said = document.getElementById("said");

  // The clipboard is only there over https and on this machine itself; elsewhere a selection is copied.
  const copy = async (code) => {
    if (navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(code.textContent);
        return true;
      } catch {
        // Not allowed: what follows may be.
      }
    }
    const selection = getSelection();
    selection.selectAllChildren(code);
    const copied = document.execCommand("copy");
    // If that failed, the text stays selected: one key is left to press.
    if (copied) selection.removeAllRanges();
    return copied;
  };

  for (const figure of document.querySelectorAll(".paste")) {
    const button = document.createElement("button");
    const caption = figure.querySelector("figcaption");
    let back;
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${caption.firstChild.textContent.trim()}`);
    button.addEventListener("click", async () => {
      const copied = await copy(figure.querySelector("code"));
      button.textContent = copied ? "Copied" : "Press Ctrl+C";
      button.classList.toggle("done", copied);
      said.textContent = copied ? "Copied" : "The text is selected: copy it with the keyboard";
      clearTimeout(back);
      back = setTimeout(() => {
        button.textContent = "Copy";
        button.classList.remove("done");
        said.textContent = "";
      }, 2000);
    });
    caption.append(button);
  }
}
