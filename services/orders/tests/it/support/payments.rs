//! A payments that takes what a test lets it take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contracts::orders::PaymentMethod;
use contracts::payments::{Payable, PayableReply, PayableRequest};
use kernel::{Code, ErrorKind, Text};
use service::CallError;
use testkit::FakeCalls;

/// Clones are the same payments. There is a bank until a test takes it away, and guests return to `samovar.example`.
#[derive(Clone, Default)]
pub(crate) struct FakePayments {
    has_no_bank: Arc<AtomicBool>,
}

const TEXT: Text = Text { en: "refused", ru: "отказ" };
static ONLINE_UNAVAILABLE: Code =
    Code { code: "payments.online-unavailable", kind: ErrorKind::Conflict, title: TEXT, hint: TEXT, members: &[] };

impl FakePayments {
    pub(crate) fn set_bank(&self, is_there: bool) {
        self.has_no_bank.store(!is_there, Ordering::SeqCst);
    }

    /// The calls that it answers, beside those given.
    pub(crate) fn beside(&self, calls: FakeCalls) -> FakeCalls {
        let payments = self.clone();
        calls.answering::<Payable>(move |request| payments.payable(&request))
    }

    fn payable(&self, request: &PayableRequest) -> Result<PayableReply, CallError> {
        if request.method == PaymentMethod::Online && self.has_no_bank.load(Ordering::SeqCst) {
            return Err(CallError::rejected("payments.payable", &ONLINE_UNAVAILABLE, "refused by the test's payments"));
        }
        let is_known = |url: &String| url.starts_with("https://samovar.example/");
        let fault = request.return_url.as_ref().filter(|url| !is_known(url)).map(|_| "not there".to_owned());
        Ok(PayableReply { return_url_fault: fault })
    }
}
