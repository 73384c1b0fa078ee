// Calls the service of examples/tonic/echo.proto with the npm package grpc-web, in pages. In: where the service is, and a
// list of calls. Out, for each: the texts that arrived, the metadata `echo-length`, and the error.

import { readFile } from "node:fs/promises";

import { main } from "./chromium.mjs";
import { Pages } from "./pages.mjs";

await main(async (browser, { service, calls }) => {
    // The package is a module without imports, so a page takes it as it is.
    const source = await readFile(new URL("node_modules/grpc-web/index.esm.js", import.meta.url), "utf8");
    const client = `data:text/javascript,${encodeURIComponent(source)}`;
    const pages = new Pages(await browser.newContext());
    const answers = [];
    for (const call of calls) {
        const frame = await pages.frameFor(call);
        answers.push(await frame.evaluate(callAndCollect, { client, service, ...call }));
    }
    return answers;
});

/** Runs in the page, and so knows nothing else of this file. */
async function callAndCollect({ client, service, format, method, argument }) {
    const { GrpcWebClientBase, MethodDescriptor, MethodType } = await import(client);
    const isStreaming = method === "Count";
    const type = isStreaming ? MethodType.SERVER_STREAMING : MethodType.UNARY;
    const path = `/echo.Echo/${method}`;
    const descriptor = new MethodDescriptor(path, type, Object, Object, encode, decodeText);
    const caller = new GrpcWebClientBase({ format });
    const metadata = { deadline: String(Date.now() + 10_000) };

    return new Promise((resolve) => {
        const answer = { texts: [], length: null, error: null };
        const fail = ({ code, message }) => resolve({ ...answer, error: { code, message } });
        const finish = (error, text) => (error ? fail(error) : resolve({ ...answer, texts: [text] }));
        const stream = isStreaming
            ? caller.serverStreaming(service + path, argument, metadata, descriptor)
            : caller.rpcCall(service + path, argument, metadata, descriptor, finish);
        stream.on("metadata", (received) => (answer.length = received["echo-length"] ?? null));
        if (isStreaming) {
            stream.on("data", (text) => answer.texts.push(text));
            stream.on("error", fail);
            stream.on("end", () => resolve(answer));
        }
    });

    // Every message here has one field, its first, of less than 128 bytes.
    function encode(value) {
        if (typeof value === "number") {
            return Uint8Array.of(0x08, value);
        }
        const text = new TextEncoder().encode(value);
        return Uint8Array.of(0x0a, text.length, ...text);
    }

    function decodeText(bytes) {
        return new TextDecoder().decode(bytes.subarray(2));
    }
}
