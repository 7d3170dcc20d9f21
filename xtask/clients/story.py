"""A story of sixteen calls with the generated client, checked strictly and run against a sandbox."""

import os
from typing import Any, TypeVar

from paygen import AuthenticatedClient
from paygen.api.accounts import create_account
from paygen.api.authorizations import get_authorization_decision
from paygen.api.card_holders import create_card_holder
from paygen.api.cards import create_card, fund_card, get_card, get_card_limits, list_cards, terminate_card, update_card
from paygen.api.events import list_events
from paygen.api.simulator import simulate_authorization, simulate_clearing, simulate_funding
from paygen.api.transactions import list_transactions
from paygen.models import (
    ApprovalResponse,
    CreateAccountRequest,
    CreateCardHolderRequest,
    CreateCardRequest,
    ErrorEnvelope,
    FundCardRequest,
    SimulateAuthorizationRequest,
    SimulateClearingRequest,
    SimulateFundingRequest,
    UpdateCardRequest,
)

client = AuthenticatedClient(
    base_url=os.environ["PAYGEN_URL"],
    token=os.environ["PAYGEN_API_KEY"],
    auth_header_name="x-api-key",
    prefix="",
)

T = TypeVar("T")


def good(answer: T | ApprovalResponse | ErrorEnvelope | None) -> T:
    assert answer is not None, "no answer that the contract knows"
    assert not isinstance(answer, (ApprovalResponse, ErrorEnvelope)), answer
    return answer


def expect(what: str, value: Any, wanted: Any) -> None:
    assert value == wanted, f"{what}: {value} instead of {wanted}"


wallet = CreateAccountRequest.from_dict(
    {"ownerType": "business", "name": "USD Wallet", "type": "checking", "category": "fiat", "currency": "USD"}
)
account = good(create_account.sync(client=client, body=wallet)).data.field_id
good(simulate_funding.sync(account, client=client, body=SimulateFundingRequest(amount=500)))
person = CreateCardHolderRequest.from_dict({"name": "Ada Obi", "person": {"email": "ada.obi@example.com"}})
holder = good(create_card_holder.sync(client=client, body=person)).data.field_id
wanted = {
    "debitAccountId": account,
    "cardHolderId": holder,
    "type": "virtual",
    "brand": "Visa",
    "status": "active",
    "amount": 100,
    "spendingControls": {"spendingLimits": [{"amount": 60, "interval": "daily"}]},
}
card = good(create_card.sync(client=client, body=CreateCardRequest.from_dict(wanted))).data.field_id
good(fund_card.sync(card, client=client, body=FundCardRequest(debit_account_id=account, amount=19.99)))
expect("balance", good(get_card.sync(card, client=client)).data.balance, 119.99)
team = UpdateCardRequest.from_dict({"metadata": {"team": "sales"}})
expect("status", good(update_card.sync(card, client=client, body=team)).data.status, "active")
cards = good(list_cards.sync(client=client, limit=5))
expect("cards", any(one.field_id == card for one in cards.data), True)


def pay(amount: float) -> Any:
    body = SimulateAuthorizationRequest(card_id=card, amount=amount)
    return good(simulate_authorization.sync(client=client, body=body)).data


paid = pay(25.5)
expect("paid", paid.status, "approved")
good(simulate_clearing.sync(paid.field_id, client=client, body=SimulateClearingRequest()))
declined = pay(50)
expect("reason", declined.reason, "spending_limit_exceeded")
decision = good(get_authorization_decision.sync(declined.field_id, client=client)).data
expect("checks that failed", [one.check for one in decision.checks if one.outcome == "fail"], ["spending_limit_exceeded"])
expect("remaining", good(get_card_limits.sync(card, client=client)).data[0].remaining, 34.5)
expect("posted", good(list_transactions.sync(client=client, limit=5)).data[0].amount, -25.5)
expect("events", len(good(list_events.sync(client=client, limit=5)).data), 5)
expect("ended", good(terminate_card.sync(card, client=client)).data.status, "canceled")
print("the story ends well")
