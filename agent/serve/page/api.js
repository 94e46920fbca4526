// Requests to the server that gave the page, and to no other.

import { askToken } from "./dialogs.js";

const TOKEN = "icd-agent-token"; // of this tab alone

export class Refused extends Error {
  constructor(status, { message, fix }) {
    super(fix ? `${message}. Fix: ${fix}` : message);
    this.status = status;
  }
}

async function request(method, path, body, signal) {
  for (;;) {
    const headers = {};
    const token = sessionStorage.getItem(TOKEN);
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(path, { method, headers, signal, body: body && JSON.stringify(body) });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Refused(0, { message: "the server does not answer", fix: "icd-agent serve" });
    }
    if (answer.status === 401) {
      sessionStorage.setItem(TOKEN, await askToken(Boolean(token)));
      continue;
    }
    if (answer.status === 429) { // many files at once
      const seconds = Number(answer.headers.get("Retry-After"));
      await new Promise((resolve) => { setTimeout(resolve, 1000 * seconds); });
      continue;
    }
    if (!answer.ok) throw new Refused(answer.status, (await answer.json()).error);
    return answer;
  }
}

export const get = async (path, signal) => (await request("GET", path, null, signal)).json();
export const post = async (path, body) => (await request("POST", path, body)).json();
export const remove = async (path) => { await request("DELETE", path); };
export const blob = async (path) => (await request("GET", path)).blob();

// Yields the server-sent events of an answer as [name, object]. EventSource could send no token.
export async function* events(method, path, body = null) {
  const answer = await request(method, path, body);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const [name, data] = block.split("\n");
      if (name.startsWith("event: ")) yield [name.slice(7), JSON.parse(data.slice(6))];
    }
  }
}
