// Makes requests from the origin of the frame that it runs in, which is how the playground sends from other origins
// than its own. No module: a sandboxed frame has no origin that a module could be loaded from.
"use strict";

addEventListener("message", async (event) => {
    if (event.source !== parent) return;
    const { id, url, init } = event.data;
    let got;
    try {
        const response = await fetch(url, init);
        const body = await response.text();
        got = { readable: true, status: response.status, headers: [...response.headers], body };
    } catch (error) {
        // All that a script learns: why it was refused, the browser tells only its console.
        got = { readable: false, error: String(error) };
    }
    parent.postMessage({ id, origin: self.origin, got }, "*");
});

parent.postMessage({ ready: true }, "*");
