
"use strict";
(() => {
  const SHOWN_SECONDS = 60;
  const REASONS = {
    reveal_token_used: "This link was used already. A link shows the card once; ask for a new one.",
    reveal_token_expired: "This link is too old. Ask for a new one.",
    reveal_token_unknown: "This link is not valid. Ask for a new one.",
    reveal_token_mismatch: "This link is not for this page. Ask for a new one.",
    card_canceled: "This card is canceled; its details are no longer shown.",
  };
  const byId = (id) => document.getElementById(id);
  const origin = new URLSearchParams(location.search).get("origin");
  const framed = window.parent !== window;
  const values = new Map();
  let started = false;
  let timer = 0;

  // The page that frames this one is told how it goes, never what is shown.
  const tell = (type, more) => {
    if (framed && origin) window.parent.postMessage({ type: "paygen." + type, ...more }, origin);
  };

  const say = (text, wrong) => {
    byId("status").textContent = text;
    byId("status").classList.toggle("wrong", Boolean(wrong));
  };

  const hide = (text) => {
    clearInterval(timer);
    values.clear();
    for (const id of ["pan", "expiry", "cvv"]) byId(id).textContent = "";
    byId("details").hidden = true;
    byId("more").hidden = true;
    say(text);
    tell("hidden");
  };

  const count = (until) => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left <= 0) hide("The card details are hidden again.");
    else byId("timer").textContent = "Hides itself in " + left + " s";
  };

  const show = (card) => {
    const month = String(card.expiryMonth).padStart(2, "0");
    const expiry = month + "/" + String(card.expiryYear).slice(-2);
    values.set("pan", card.pan).set("expiry", expiry).set("cvv", card.cvv);
    byId("pan").textContent = card.pan.replace(/(.{4})(?=.)/g, "$1 ");
    byId("expiry").textContent = expiry;
    byId("cvv").textContent = card.cvv;
    byId("details").hidden = false;
    byId("more").hidden = false;
    say("For your eyes only. Nobody from support will ever ask you for these.");
    const until = Date.now() + SHOWN_SECONDS * 1000;
    count(until);
    timer = setInterval(() => count(until), 1000);
    tell("shown");
  };

  const fail = (text, code) => {
    say(text, true);
    tell("failed", { code });
  };

  const exchange = async (token) => {
    if (started) return;
    started = true;
    say("Loading…");
    try {
      const response = await fetch(location.pathname + "/reveal", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(origin ? { token, origin } : { token }),
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
      });
      const answer = await response.json();
      if (response.ok) show(answer.data);
      else {
        const code = answer.error && answer.error.code;
        fail(REASONS[code] || answer.message, code);
      }
    } catch {
      fail("The card could not be loaded. Check the connection and ask for a new link.", "network");
    }
  };

  const copy = async (name, button) => {
    let copied = false;
    try {
      await navigator.clipboard.writeText(values.get(name));
      copied = true;
    } catch {
      // Frames without the clipboard permission: the old way, with the text selected.
      const range = document.createRange();
      range.selectNodeContents(byId(name));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      copied = document.execCommand("copy");
    }
    const before = button.textContent;
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = before; }, 2000);
  };

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button.dataset.copy, button));
  }
  byId("hide").addEventListener("click", () => hide("The card details are hidden."));
  addEventListener("pagehide", () => hide(""));

  // How high the content is, so that the page around can fit the frame to it.
  new ResizeObserver(() => tell("resized", { height: Math.ceil(document.body.getBoundingClientRect().height) }))
    .observe(document.body);

  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (token) {
    exchange(token);
  } else if (framed && origin) {
    addEventListener("message", (event) => {
      const data = event.data;
      const asked = event.origin === origin && event.source === window.parent && data && data.type === "paygen.token";
      if (asked && typeof data.token === "string") exchange(data.token);
    });
    tell("ready");
  } else {
    fail("This link has no token. Ask for a new one.", "token_missing");
  }
})();
