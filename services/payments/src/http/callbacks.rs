//! Where providers call back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use service::{PathId, Problem, read_body};

use super::answers::CallbackTaken;
use crate::app::App;
use crate::use_cases::callback::{read_callback, store_callback};

/// The largest callback that is read.
const CALLBACK_MAX_BYTES: usize = 64 * 1024;

/// Take a provider's callback
///
/// The raw body is checked against its signature (`X-Bank-Signature: v1=hex(HMAC-SHA-256(secret, timestamp + "." +
/// body))`) and timestamp (`X-Bank-Timestamp`, within five minutes). It decides nothing: the payment is asked about
/// at the provider afterwards. The same event twice is stored once.
#[utoipa::path(post, path = "/payments/callbacks/{provider}", tag = "payments",
    params(("provider" = String, Path, description = "Who calls back.", example = "sandbox")),
    request_body(content = Object, content_type = "application/json", description = "The provider's own event.",
        example = json!({"id": "evt_01h455vb4pex5vsknk084sn02q", "type": "payment.captured",
                         "payment_id": "bnk_01h455vb4pex5vsknk084sn02q"})),
    responses((status = 200, description = "It is on disk.", body = CallbackTaken,
        example = json!({"stored": true}))))]
pub(super) async fn provider_callback(
    State(app): State<Arc<App>>,
    PathId(provider): PathId<String>,
    request: Request,
) -> Result<Json<CallbackTaken>, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read_body(&parts.headers, body, CALLBACK_MAX_BYTES).await?;
    let callback = read_callback(&app, &provider, &parts.headers, &bytes)?;
    app.db.write(move |tx| store_callback(tx, &callback)).await?;
    Ok(Json(CallbackTaken { stored: true }))
}
