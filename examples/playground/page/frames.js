// The frames that requests are made from, one for each origin, opened when they are first needed.

import { element } from "./element.js";

/** Frames by the origin that they send from. */
const frames = new Map();

/** A frame of another origin, or of this one, that makes requests for this page. */
function sender(from, origin) {
    if (!frames.has(from)) {
        const own = from === "page" || from === "sandbox";
        const frame = element("iframe", {
            src: own ? "/sender" : `${origin}/sender`,
            sandbox: from === "sandbox" ? "allow-scripts" : null,
            hidden: true,
            title: "sends requests",
            tabindex: "-1",
        });
        const ready = new Promise((resolve, reject) => {
            addEventListener("message", function hear(event) {
                if (event.source !== frame.contentWindow || !event.data.ready) return;
                removeEventListener("message", hear);
                resolve(frame.contentWindow);
            });
            setTimeout(() => reject(new Error(`this browser does not reach a page of ${origin}`)), 5000);
        });
        ready.catch(() => frames.delete(from));
        document.body.append(frame);
        frames.set(from, ready);
    }
    return frames.get(from);
}

let sent = 0;

/** Makes a request from a page of `origin`, and resolves to what its script got. */
export async function fetchFrom(from, origin, url, init) {
    const frame = await sender(from, origin);
    const id = ++sent;
    const answer = new Promise((resolve) => {
        addEventListener("message", function hear(event) {
            if (event.source !== frame || event.data.id !== id) return;
            removeEventListener("message", hear);
            resolve(event.data);
        });
    });
    frame.postMessage({ id, url, init }, "*");
    return answer;
}
