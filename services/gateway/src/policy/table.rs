//! The rows. Sorted by service, then by path.

use http::Method;
use service::Role::{Admin, Barista, Manager};

use super::Access::{Public, Roles, SignedIn};
use super::Reach::{Anything, Chain, GrantedShop, Own, OwnOrGrantedShop};
use super::{Access, GATEWAY, Reach, Row, Waits};

const AUTH: &str = "auth";
const CATALOG: &str = "catalog";
const ORDERS: &str = "orders";
const PAYMENTS: &str = "payments";

const ADMIN: Access = Roles(&[Admin]);
const MANAGER: Access = Roles(&[Manager, Admin]);
const STAFF: Access = Roles(&[Barista, Manager, Admin]);

// Money moves by the hand of who works in the shop. Administrators hand out roles and see everything; one who needs to
// receive or refund grants the role openly, and the audit trail has both, the grant and the deed.
const RECEIVERS: Access = Roles(&[Barista, Manager]);
const REFUNDERS: Access = Roles(&[Manager]);

const fn row(method: Method, path: &'static str, service: &'static str, access: Access, reach: Reach) -> Row {
    Row { method, path, service, access, reach, waits: Waits::No }
}

const fn waiting(method: Method, path: &'static str, service: &'static str, access: Access, reach: Reach) -> Row {
    Row { method, path, service, access, reach, waits: Waits::OnSomethingElse }
}

/// The matrix.
pub static TABLE: &[Row] = &[
    row(Method::GET, "/", GATEWAY, Public, Anything),
    row(Method::GET, "/openapi.json", GATEWAY, Public, Anything),
    row(Method::GET, "/returned", GATEWAY, Public, Anything),
    row(Method::GET, "/swagger-ui", GATEWAY, Public, Anything),
    row(Method::GET, "/swagger-ui/", GATEWAY, Public, Anything),
    row(Method::GET, "/swagger-ui/{*page}", GATEWAY, Public, Anything),
    row(Method::GET, "/.well-known/jwks.json", AUTH, Public, Anything),
    waiting(Method::POST, "/api/v1/auth/login", AUTH, Public, Anything),
    row(Method::POST, "/api/v1/auth/logout", AUTH, SignedIn, Own),
    row(Method::GET, "/api/v1/auth/me", AUTH, SignedIn, Own),
    row(Method::PATCH, "/api/v1/auth/me", AUTH, SignedIn, Own),
    waiting(Method::POST, "/api/v1/auth/password", AUTH, SignedIn, Own),
    row(Method::POST, "/api/v1/auth/refresh", AUTH, Public, Anything),
    waiting(Method::POST, "/api/v1/auth/register", AUTH, Public, Anything),
    row(Method::GET, "/api/v1/auth/sessions", AUTH, SignedIn, Own),
    row(Method::DELETE, "/api/v1/auth/sessions/{id}", AUTH, SignedIn, Own),
    row(Method::GET, "/api/v1/users", AUTH, ADMIN, Chain),
    row(Method::GET, "/api/v1/users/{id}", AUTH, ADMIN, Chain),
    row(Method::PATCH, "/api/v1/users/{id}", AUTH, ADMIN, Chain),
    row(Method::PUT, "/api/v1/users/{id}/grants", AUTH, ADMIN, Chain),
    row(Method::DELETE, "/api/v1/users/{id}/sessions", AUTH, ADMIN, Chain),
    row(Method::GET, "/api/v1/catalog/export", CATALOG, MANAGER, Chain),
    row(Method::POST, "/api/v1/catalog/import", CATALOG, MANAGER, Chain),
    row(Method::GET, "/api/v1/categories", CATALOG, Public, Anything),
    row(Method::GET, "/api/v1/categories/{id}", CATALOG, MANAGER, Chain),
    row(Method::PATCH, "/api/v1/categories/{id}", CATALOG, MANAGER, Chain),
    row(Method::GET, "/api/v1/menu", CATALOG, Public, Anything),
    row(Method::GET, "/api/v1/modifier-groups", CATALOG, MANAGER, Chain),
    row(Method::POST, "/api/v1/modifier-groups", CATALOG, MANAGER, Chain),
    row(Method::GET, "/api/v1/modifier-groups/{id}", CATALOG, MANAGER, Chain),
    row(Method::PATCH, "/api/v1/modifier-groups/{id}", CATALOG, MANAGER, Chain),
    row(Method::POST, "/api/v1/products", CATALOG, MANAGER, Chain),
    row(Method::GET, "/api/v1/products/{id}", CATALOG, Public, Anything),
    row(Method::PATCH, "/api/v1/products/{id}", CATALOG, MANAGER, Chain),
    row(Method::GET, "/api/v1/shops", CATALOG, Public, Anything),
    row(Method::POST, "/api/v1/shops", CATALOG, ADMIN, Chain),
    row(Method::GET, "/api/v1/shops/{id}", CATALOG, Public, Anything),
    row(Method::PATCH, "/api/v1/shops/{id}", CATALOG, MANAGER, GrantedShop),
    row(Method::GET, "/api/v1/shops/{id}/stop-list", CATALOG, STAFF, GrantedShop),
    row(Method::PUT, "/api/v1/shops/{id}/stop-list/{item_id}", CATALOG, STAFF, GrantedShop),
    row(Method::DELETE, "/api/v1/shops/{id}/stop-list/{item_id}", CATALOG, STAFF, GrantedShop),
    row(Method::GET, "/api/v1/stock", CATALOG, STAFF, GrantedShop),
    row(Method::POST, "/api/v1/stock/movements", CATALOG, MANAGER, GrantedShop),
    row(Method::GET, "/api/v1/orders", ORDERS, SignedIn, OwnOrGrantedShop),
    row(Method::POST, "/api/v1/orders", ORDERS, SignedIn, Own),
    row(Method::POST, "/api/v1/orders/quote", ORDERS, SignedIn, Own),
    row(Method::GET, "/api/v1/orders/{id}", ORDERS, SignedIn, OwnOrGrantedShop),
    row(Method::POST, "/api/v1/orders/{id}/cancel", ORDERS, SignedIn, OwnOrGrantedShop),
    row(Method::POST, "/api/v1/orders/{id}/status", ORDERS, STAFF, GrantedShop),
    row(Method::GET, "/api/v1/shops/{id}/board", ORDERS, STAFF, GrantedShop),
    row(Method::GET, "/api/v1/shops/{id}/slots", ORDERS, Public, Anything),
    row(Method::GET, "/api/v1/ledger", PAYMENTS, MANAGER, GrantedShop),
    waiting(Method::GET, "/api/v1/orders/{id}/payment", PAYMENTS, SignedIn, OwnOrGrantedShop),
    row(Method::POST, "/api/v1/orders/{id}/payments", PAYMENTS, SignedIn, Own),
    row(Method::GET, "/api/v1/payments", PAYMENTS, MANAGER, GrantedShop),
    row(Method::GET, "/api/v1/payments/{id}", PAYMENTS, MANAGER, GrantedShop),
    row(Method::POST, "/api/v1/payments/callbacks/{provider}", PAYMENTS, Public, Anything),
    row(Method::POST, "/api/v1/payments/{id}/receive", PAYMENTS, RECEIVERS, GrantedShop),
    row(Method::POST, "/api/v1/payments/{id}/refunds", PAYMENTS, REFUNDERS, GrantedShop),
];
