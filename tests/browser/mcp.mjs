// Uses an MCP server with the official client, in pages. In: a list of visits, each with a server and the revision to
// speak. Out, for each: what the client got at each step, and which request failed, if one did.

import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { main } from "./chromium.mjs";
import { Pages } from "./pages.mjs";

await main(async (browser, { visits }) => {
    const source = await bundled('export { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";');
    const pages = new Pages(await browser.newContext());
    const answers = [];
    for (const visit of visits) {
        const frame = await pages.frameFor(visit);
        answers.push(await frame.evaluate(useServer, { source, ...visit }));
    }
    return answers;
});

/** A module with all that it imports, for a page. */
async function bundled(contents) {
    const resolveDir = fileURLToPath(new URL(".", import.meta.url));
    const options = { bundle: true, format: "esm", platform: "browser", write: false, logLevel: "error" };
    const { outputFiles } = await build({ ...options, stdin: { contents, resolveDir } });
    return outputFiles[0].text;
}

/** Runs in the page, and so knows nothing else of this file. */
async function useServer({ source, server, revision, token }) {
    const module = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { Client, StreamableHTTPClientTransport } = await import(module);
    URL.revokeObjectURL(module);

    const answer = { revision: null, tools: null, counted: null, events: [], resumed: null, ended: null };
    let [request, challenge] = [null, null];
    const authProvider = {
        token: async () => token ?? undefined,
        // Without a token the server says where to get one.
        onUnauthorized: async ({ response }) => (challenge = response.headers.get("www-authenticate")),
    };
    const transport = new StreamableHTTPClientTransport(new URL(server), {
        authProvider,
        fetch: async (url, init) => {
            const name = init.method === "POST" ? JSON.parse(init.body).method : init.method;
            request = new Headers(init.headers).has("last-event-id") ? "GET that resumes" : name;
            return fetch(url, init);
        },
    });
    const mode = revision === "2026-07-28" ? { pin: revision } : "legacy";
    const client = new Client({ name: "page", version: "1" }, { versionNegotiation: { mode } });
    try {
        await client.connect(transport, { timeout: 10_000 });
        answer.revision = client.getNegotiatedProtocolVersion();
        answer.tools = (await client.listTools()).tools.map((tool) => tool.name);
        let lastEvent = null;
        const call = { name: "count", arguments: { to: 3 } };
        const counted = await client.callTool(call, {
            onprogress: ({ progress }) => answer.events.push(progress),
            onresumptiontoken: (id) => (lastEvent = id),
        });
        answer.counted = counted.content[0].text;
        if (transport.sessionId) {
            answer.resumed = await resume(transport, lastEvent);
            await transport.terminateSession();
            answer.ended = transport.sessionId === undefined;
        }
    } catch (error) {
        return { ...answer, failed: request, challenge, error: String(error) };
    } finally {
        await client.close();
    }
    return { ...answer, failed: null, challenge };

    /** Opens a stream anew where it was broken off after an event, and says whether the server has it. */
    function resume(transport, lastEvent) {
        return new Promise((resolve, reject) => {
            transport.onerror = reject;
            transport.resumeStream(lastEvent).then(() => resolve(true), reject);
        });
    }
}
