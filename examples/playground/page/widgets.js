// What the page has that any page could have: copying, tabs, and the choice of dark or light.

import { announce, find } from "./element.js";

/** Copies, and says so on the button. */
export async function copy(button, text) {
    const before = button.textContent;
    try {
        await navigator.clipboard.writeText(text);
        button.textContent = "copied";
        announce("copied");
    } catch {
        button.textContent = "not copied";
    }
    setTimeout(() => (button.textContent = before), 1200);
}

/** Tabs that the arrow keys go through. */
export function tabs(list) {
    const all = [...list.querySelectorAll("[role=tab]")];
    const select = (chosen) => {
        for (const tab of all) {
            const isChosen = tab === chosen;
            tab.setAttribute("aria-selected", String(isChosen));
            tab.tabIndex = isChosen ? 0 : -1;
            find(tab.getAttribute("aria-controls")).hidden = !isChosen;
        }
    };
    all.forEach((tab, at) => {
        tab.addEventListener("click", () => select(tab));
        tab.addEventListener("keydown", (event) => {
            const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
            if (!step) return;
            const next = all[(at + step + all.length) % all.length];
            select(next);
            next.focus();
        });
    });
}

/** Dark, light, or as the system has it, remembered where the browser lets it. */
export function theme(button) {
    const apply = (chosen) => {
        if (chosen) document.documentElement.dataset.theme = chosen;
        const isDark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
        button.textContent = isDark ? "light" : "dark";
        return isDark;
    };
    let stored = null;
    try {
        stored = localStorage.getItem("theme");
    } catch {
        /* Then it lasts as long as the page. */
    }
    let isDark = apply(stored);
    button.addEventListener("click", () => {
        const chosen = isDark ? "light" : "dark";
        isDark = apply(chosen);
        try {
            localStorage.setItem("theme", chosen);
        } catch {
            /* As above. */
        }
    });
}
