/* The REST API, and nothing but it: everything that this screen knows or does goes through here (docs/api.md). */

const ROOT = new URL("../../api/", import.meta.url);
const KEPT = "agenda.token";
const PATIENCE = 20_000;
const CONTRADICTED = new Set([409, 412]);

/* An answer that is not 2xx: `code` is what a program decides by, `message` a sentence for a person. */
export class Refused extends Error {
  constructor(status, body, retryAfter = 0) {
    super(body?.error || `HTTP ${status}`);
    this.status = status;
    this.code = body?.code || "";
    this.details = body?.details || {};
    this.conflicts = body?.conflicts || body?.would?.conflicts || [];
    this.retryAfter = retryAfter;
  }
}

/* No answer came: the network, the server, or 503. Whether it was done, nobody knows. */
export class Unreachable extends Error {}

let token = sessionStorage.getItem(KEPT) || "";
let askForLogin = null;
let loggingIn = null;

export const isLoggedIn = () => token !== "";

/* `ask` shows the login form over the page and resolves once it has a new token. */
export function whenLoginIsNeeded(ask) {
  askForLogin = ask;
}

function keep(fresh) {
  token = fresh;
  if (fresh) sessionStorage.setItem(KEPT, fresh);
  else sessionStorage.removeItem(KEPT);
}

export async function logIn(email, password) {
  const answer = await once("POST", "auth/login", { body: { email, password }, anonymous: true });
  keep(answer.body.token);
}

export async function logOut() {
  try {
    await once("POST", "auth/logout", {});
  } finally {
    keep("");
  }
}

/* {status, body, etag}. A token that has ended: the login form, and then the same request once more, so that
   nothing on the page is lost. Raises Refused and Unreachable. */
export async function call(method, path, options = {}) {
  const used = token;
  try {
    return await once(method, path, options);
  } catch (problem) {
    if (!(problem instanceof Refused) || problem.status !== 401 || options.anonymous) throw problem;
    if (token === used) keep("");
    loggingIn ??= askForLogin().finally(() => (loggingIn = null));
    await loggingIn;
    return await once(method, path, options);
  }
}

async function once(method, path, { body, ifMatch, ifNoneMatch, key, anonymous = false }) {
  const headers = {};
  if (token && !anonymous) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch !== undefined) headers["If-Match"] = `"${ifMatch}"`;
  if (ifNoneMatch) headers["If-None-Match"] = ifNoneMatch;
  if (key) headers["Idempotency-Key"] = key;
  let answer, text;
  try {
    answer = await fetch(new URL(path, ROOT), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE),
    });
    text = await answer.text();
  } catch (problem) {
    reach(false);
    throw new Unreachable(String(problem));
  }
  reach(answer.status !== 503 && answer.status !== 502 && answer.status !== 504);
  if (answer.status >= 502 && answer.status <= 504) throw new Unreachable(`HTTP ${answer.status}`);
  const read = parsed(text);
  if (CONTRADICTED.has(answer.status) && !path.startsWith("dry-run/")) stale();
  if (!answer.ok && answer.status !== 304) {
    throw new Refused(answer.status, read, Number(answer.headers.get("Retry-After")) || 0);
  }
  return { status: answer.status, body: read, etag: answer.headers.get("ETag") || "" };
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

let stale = () => {};

/* `tell()`: a write contradicted what is stored, so what the page shows is old. */
export function whenStale(tell) {
  stale = tell;
}

let told = () => {};

/* `tell(true | false)`: an answer came, or none. */
export function whenReached(tell) {
  told = tell;
}

function reach(ok) {
  told(ok);
}

export const get = async (path) => (await call("GET", path)).body;
export const put = async (path, body, ifMatch) => (await call("PUT", path, { body, ifMatch })).body;
export const post = async (path, body, key) => (await call("POST", path, { body, key })).body;
export const remove = async (path, ifMatch) => (await call("DELETE", path, { ifMatch })).body;

/* The same write as a question (contract §11 "dry run"): what it would do, nothing done. */
export async function wouldBe(method, path, body) {
  return (await call(method, `dry-run/${path}`, { body })).body.would;
}

/* For one intention of a person, kept over every try of it: the server does it once. */
export function newKey() {
  return crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), hex).join("");
}

function hex(byte) {
  return byte.toString(16).padStart(2, "0");
}

export function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return new URLSearchParams(given).toString();
}
