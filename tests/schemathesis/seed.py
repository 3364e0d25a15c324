"""Sets a coffee shop up over HTTP, so that the fuzzer meets more than 404: staff, guests, a menu, stock, orders.

    seed.py BASE_URL ADMIN_EMAIL PASSWORD  ->  the ids of what is there, as JSON on standard output
"""

import json
import sys
import urllib.request

BASE, ADMIN, PASSWORD = sys.argv[1:]


def call(method, path, body=None, token=None, **headers):
    """The answer's JSON and its ETag."""
    request = urllib.request.Request(f"{BASE}{path}", method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("content-type", "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return (json.loads(text) if text else None), answer.headers.get("etag")


def sign_in(email):
    return call("POST", "/auth/login", {"email": email, "password": PASSWORD})[0]["access_token"]


def register(name):
    person = {"email": f"{name}@fuzz.example", "password": PASSWORD, "name": name, "language": "en"}
    return call("POST", "/auth/register", person)[0]


def rub(amount):
    return {"amount": amount, "currency": "RUB"}


def both(text):
    return {"ru": text, "en": text}


def grant(role, user, shop):
    """The token of a person with this role in this shop."""
    etag = call("GET", f"/users/{user}", token=admin)[1]
    call("PUT", f"/users/{user}/grants", {"grants": [{"role": role, "shop_id": shop}]}, admin, if_match=etag)
    return sign_in(f"{role}@fuzz.example")


def product(token, sku, tracked):
    variant = {"sku": f"{sku}-m", "name": both("M"), "price": rub(15_000)}
    body = {"sku": sku, "category": "coffee", "name": both(sku), "tracked": tracked, "variants": [variant]}
    body["modifier_groups"] = ["milk"]
    return call("POST", "/products", body, token)[0]["variants"][0]["id"]


def order(token, shop, variant, method, key):
    basket = {
        "shop_id": shop, "fulfilment": {"kind": "pickup", "at": "asap"},
        "lines": [{"variant_id": variant, "quantity": 1, "modifiers": []}], "promo_codes": [], "points": 0,
        "expected_total": rub(15_000), "payment": {"method": method, "return_url": None},
    }
    placed = call("POST", "/orders", basket, token, idempotency_key=key)[0]["id"]
    call("GET", f"/orders/{placed}/payment?wait=5s", token=token)
    return placed


admin = sign_in(ADMIN)
me = call("GET", "/auth/me", token=admin)[0]["id"]
shop = call("POST", "/shops", {
    "name": "Kettle", "address": "Tverskaya 7", "lat": 55.7579, "lon": 37.6112, "time_zone": "Europe/Moscow",
    "currency": "RUB", "lead_time_min": 5, "hours": [], "closed_days": [], "slot_minutes": 10, "slot_capacity": None,
}, admin)[0]["id"]
people = {role: register(role)["user"]["id"] for role in ["manager", "barista"]}
manager, barista = (grant(role, user, shop) for role, user in people.items())
milk = {"slug": "oat", "name": both("Oat"), "price": rub(5_000)}
call("POST", "/modifier-groups", {"slug": "milk", "name": both("Milk"), "min": 0, "max": 1, "modifiers": [milk]}, manager)
cake, latte = product(manager, "cake", True), product(manager, "latte", False)
receipt = {"shop_id": shop, "variant_id": cake, "kind": "receipt", "quantity": 500, "reason": "opening"}
call("POST", "/stock/movements", receipt, manager, idempotency_key="seed-receipt-0001")
call("PUT", f"/shops/{shop}/stop-list/{latte}", {"reason": "no milk"}, barista)
guest = register("guest")
theirs, other = guest["access_token"], register("other")["access_token"]
orders = [order(theirs, shop, cake, method, f"seed-order-{n:04}") for n, method in enumerate(["online", "counter"])]
orders.append(order(other, shop, cake, "counter", "seed-order-other"))

# What the fuzzer puts in the place of ids that it made up, by their prefix; it adds what it meets in answers. Never the
# people it signs in as: it would disable itself and see nothing but 401 from there on.
known = json.dumps([
    call("GET", path, token=admin)[0]
    for path in ["/categories", "/modifier-groups", f"/menu?shop_id={shop}", f"/payments?shop_id={shop}", "/users"]
])
print(json.dumps({"own": [me, guest["user"]["id"], *people.values()], "ids": [shop, cake, latte, *orders], "text": known}))
