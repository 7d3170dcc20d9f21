// A story of sixteen calls with the generated client, compiled strictly and run against a sandbox.
import { client } from "./paygen/client.gen";
import {
  createAccount,
  createCard,
  createCardHolder,
  fundCard,
  getAuthorizationDecision,
  getCard,
  getCardLimits,
  listCards,
  listEvents,
  listTransactions,
  simulateAuthorization,
  simulateClearing,
  simulateFunding,
  terminateCard,
  updateCard,
} from "./paygen/index";

const key = process.env.PAYGEN_API_KEY;
if (!key || !process.env.PAYGEN_URL) throw new Error("PAYGEN_URL and PAYGEN_API_KEY are needed");
client.setConfig({ baseUrl: process.env.PAYGEN_URL, auth: key });
const throwOnError = true as const;

function expect<T>(what: string, value: T, wanted: T): void {
  if (value !== wanted) throw new Error(`${what}: ${String(value)} instead of ${String(wanted)}`);
}

const account = await createAccount({
  headers: { "Idempotency-Key": `story-${Date.now()}` },
  body: { ownerType: "business", name: "USD Wallet", type: "checking", category: "fiat", currency: "USD" },
  throwOnError,
});
const accountId = account.data.data._id;
await simulateFunding({ path: { accountId }, body: { amount: 500 }, throwOnError });
const holder = await createCardHolder({
  body: { name: "Ada Obi", person: { email: "ada.obi@example.com" } },
  throwOnError,
});
const card = await createCard({
  body: {
    debitAccountId: accountId, cardHolderId: holder.data.data._id, type: "virtual", brand: "Visa", status: "active",
    amount: 100, spendingControls: { spendingLimits: [{ amount: 60, interval: "daily" }] },
  },
  throwOnError,
});
const cardId = card.data.data._id;
await fundCard({ path: { cardId }, body: { debitAccountId: accountId, amount: 19.99 }, throwOnError });
const read = await getCard({ path: { cardId }, throwOnError });
expect("balance", read.data.data.balance, 119.99);
const changed = await updateCard({ path: { cardId }, body: { metadata: { team: "sales" } }, throwOnError });
expect("status", changed.data.data.status, "active");
const cards = await listCards({ query: { limit: 5 }, throwOnError });
expect("cards", cards.data.data.some((one) => one._id === cardId), true);

const paid = await simulateAuthorization({ body: { cardId, amount: 25.5 }, throwOnError });
expect("paid", paid.data.data.status, "approved");
await simulateClearing({ path: { authorizationId: paid.data.data._id }, body: {}, throwOnError });
const declined = await simulateAuthorization({ body: { cardId, amount: 50 }, throwOnError });
expect("reason", declined.data.data.reason, "spending_limit_exceeded");
const decision = await getAuthorizationDecision({
  path: { authorizationId: declined.data.data._id },
  throwOnError,
});
const failed = decision.data.data.checks.filter((check) => check.outcome === "fail");
expect("checks that failed", failed.map((check) => check.check).join(), "spending_limit_exceeded");
const limits = await getCardLimits({ path: { cardId }, throwOnError });
expect("remaining", limits.data.data[0]?.remaining, 34.5);
const transactions = await listTransactions({ query: { limit: 5 }, throwOnError });
expect("posted", transactions.data.data[0]?.amount, -25.5);
const events = await listEvents({ query: { limit: 5 }, throwOnError });
expect("events", events.data.data.length, 5);

const refused = await createCardHolder({ body: { name: "" } });
expect("refused", refused.error?.error.code, "validation_failed");
const ended = await terminateCard({ path: { cardId }, throwOnError });
expect("ended", ended.data.data.status, "canceled");
console.log("the story ends well");
