//! Callers who send slowly, or pretend to: they hold their connection and nobody else's answer.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use testkit::TestDatabase;

use crate::stage::Stage;

/// More than the least bound of the admission.
const SENDERS: usize = 64;

/// A request whose body never comes.
fn slow_post(stage: &Stage) -> TcpStream {
    let mut stream = TcpStream::connect(stage.public()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = "POST /api/v1/auth/refresh HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn status(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn bodies_that_do_not_come_do_not_close_the_door_on_others() {
    let stage = Stage::new(&TestDatabase::sqlite(), &["server.body_limit=500ms", "server.request_limit=1s"]);

    let first: Vec<TcpStream> = (0..SENDERS).map(|_| slow_post(&stage)).collect();
    let answers: Vec<String> = first.into_iter().map(status).collect();
    // What the first ones took is in the measure now. More of them, and somebody who only wants to read.
    let _second: Vec<TcpStream> = (0..SENDERS).map(|_| slow_post(&stage)).collect();

    stage.nobody().get("/shops").expect(200);
    assert_eq!(answers, vec!["400"; SENDERS], "it is the sender's fault, not the server's");
}
