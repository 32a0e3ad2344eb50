// Who is signed in, as the page shows it.
import { byId } from "./dom.mjs";
import { left } from "./session.mjs";

/** letIn shows who is signed in, {kind, user, login}; undefined where nobody has to be. */
export function letIn(signIn) {
  byId("gate").hidden = true;
  byId("account").hidden = !signIn;
  byId("user").textContent = signIn?.user ?? "";
  byId("sign-out").hidden = signIn?.kind !== "oidc";
  if (signIn?.login) byId("sign-in").href = signIn.login;
}

/** shutOut says that nobody is signed in, and leads to where one does. What is on the page stays there; `before` somebody was. */
export function shutOut({ status, basic }, before) {
  let why = before ? "You are signed out. The conversation stays here, and so does what you write." : "Sign in to talk to the model.";
  if (status === 403 && left()) why += " If you just have, you may not use it.";
  byId("gate-why").textContent = byId("status").textContent = why;
  if (basic) byId("sign-in").href = "./";
  byId("gate").hidden = false;
  byId("account").hidden = true;
}
