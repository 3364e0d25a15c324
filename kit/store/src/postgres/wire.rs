//! What goes over a connection: any number of statements, one `Sync`, and then the answers to all of them.
//!
//! The driver that the rest of this ecosystem uses ends every statement with a `Sync` of its own. The server answers
//! each with a packet, and an order is some thirty of them: on one machine that cost as much as the statements did
//! (docs/adr/0016). It also means that the server goes on with the next statement when one has failed. Here it skips
//! the rest, up to the `Sync`.
//!
//! Encoding, decoding and signing in are the driver's; only the exchange is ours.

mod answer;

pub(crate) use answer::{ServerError, ServerRow};

use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, Message, ParameterDescriptionBody, RowDescriptionBody};
use postgres_protocol::message::frontend;
use tokio_postgres::types::{self, Kind, ToSql, Type};

use crate::postgres::socket::Socket;
use crate::postgres::{errors, values};
use crate::row::DriverRow;
use crate::{Param, Row, StoreError};

/// A connection that is signed in.
pub(crate) struct Wire {
    socket: Socket,
    /// Encoded and not sent.
    output: BytesMut,
    /// Read and not decoded.
    input: BytesMut,
    /// Where reads go first.
    scratch: Box<[u8]>,
    /// How many statements were prepared: their names.
    prepared: u64,
    /// Answers are under way that nobody has read: whoever read them panicked.
    is_unread: bool,
    /// How many statements were encoded and not answered: the server may take its time for each of them.
    unanswered: u32,
}

/// A statement that the server has prepared.
#[derive(Debug)]
pub(crate) struct Prepared {
    name: String,
    params: Vec<Type>,
    columns: Vec<Field>,
}

/// A column of an answer.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

/// Part of the answer to one statement of an exchange.
pub(crate) enum Reply<'m> {
    /// One of its rows.
    Row(&'m DataRowBody),
    /// It is done and touched so many rows.
    Done(u64),
    /// It is prepared: what it takes and what it gives.
    Described(Vec<Type>, Vec<Field>),
}

/// How an exchange ended.
#[derive(Debug)]
pub(crate) struct Exchanged {
    /// Which statement failed and why; those behind it were not carried out.
    pub(crate) failed: Option<(usize, ServerError)>,
    /// What is open now.
    pub(crate) transaction: Transaction,
}

/// What is open on a connection between two exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transaction {
    None,
    Open,
    /// The connection ended with the failure.
    Gone,
}

/// What is sent at most before the answers are read. It fits into the buffers between the two even while neither reads,
/// so they never wait for each other. A single statement may be longer: its answer comes when all of it is there.
const OUTPUT_MAX: usize = 32 * 1024;

/// How often the server may be silent at most in one exchange, however many statements it holds: whoever waits for a server
/// that is gone must hear of it.
const SILENCES_MAX: u32 = 3;

const SCRATCH_LEN: usize = 16 * 1024;

/// What is said to each statement: parameters and columns are binary.
const BINARY: i16 = 1;

impl Wire {
    pub(crate) fn new(socket: Socket) -> Self {
        Self {
            socket,
            output: BytesMut::with_capacity(OUTPUT_MAX),
            input: BytesMut::with_capacity(SCRATCH_LEN),
            scratch: vec![0; SCRATCH_LEN].into_boxed_slice(),
            prepared: 0,
            is_unread: false,
            unanswered: 0,
        }
    }

    /// Whether so many bytes would be too much beside what is encoded and not sent.
    pub(crate) fn is_full(&self, len: usize) -> bool {
        !self.output.is_empty() && self.output.len() + len > OUTPUT_MAX
    }

    /// How long the server may be silent for each statement; nothing: for ever.
    pub(crate) fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
        self.socket.set_patience(patience)
    }

    /// Whether somebody stopped reading in the middle of the answers: nothing can be sent any more.
    pub(crate) const fn is_unread(&self) -> bool {
        self.is_unread
    }

    /// Forgets what was not sent.
    pub(crate) fn forget(&mut self) {
        self.output.clear();
        self.unanswered = 0;
    }

    /// Encodes the preparing of a statement under a name of its own; the name.
    pub(crate) fn put_prepare(&mut self, sql: &str) -> io::Result<String> {
        let name = format!("s{}", self.prepared);
        self.prepared += 1;
        self.put_prepare_as(&name, sql)?;
        Ok(name)
    }

    /// Encodes the preparing of a statement under this name.
    pub(crate) fn put_prepare_as(&mut self, name: &str, sql: &str) -> io::Result<()> {
        self.unanswered += 1;
        frontend::parse(name, sql, [], &mut self.output)?;
        frontend::describe(b'S', name, &mut self.output)
    }

    /// Encodes a statement with its parameters, or says why it cannot be, and then nothing of it is there.
    pub(crate) fn put<'p>(
        &mut self,
        prepared: &Prepared,
        params: impl ExactSizeIterator<Item = &'p (dyn ToSql + Sync)>,
    ) -> Result<(), String> {
        let before = self.output.len();
        let put = Self::encode(prepared, params, &mut self.output);
        match put {
            Ok(()) => self.unanswered += 1,
            Err(_) => self.output.truncate(before),
        }
        put
    }

    /// Encodes a statement with its parameters for [`Wire::put_encoded`], or says why it cannot be.
    pub(crate) fn encode<'p>(
        prepared: &Prepared,
        params: impl ExactSizeIterator<Item = &'p (dyn ToSql + Sync)>,
        out: &mut BytesMut,
    ) -> Result<(), String> {
        let (wanted, given) = (prepared.params.len(), params.len());
        if wanted != given {
            return Err(format!("takes {wanted} parameters and was given {given}"));
        }
        let values = params.zip(&prepared.params);
        match frontend::bind("", &prepared.name, [BINARY], values, write, [BINARY], out) {
            Ok(()) => frontend::execute("", 0, out).map_err(|error| error.to_string()),
            Err(frontend::BindError::Conversion(error)) => Err(error.to_string()),
            Err(frontend::BindError::Serialization(error)) => Err(error.to_string()),
        }
    }

    /// A statement that is encoded already.
    pub(crate) fn put_encoded(&mut self, encoded: &[u8]) {
        self.output.extend_from_slice(encoded);
        self.unanswered += 1;
    }

    /// Encodes a statement without parameters that is not worth preparing.
    pub(crate) fn put_once(&mut self, sql: &str) -> io::Result<()> {
        self.unanswered += 1;
        frontend::parse("", sql, [], &mut self.output)?;
        let nothing = std::iter::empty::<(&(dyn ToSql + Sync), &Type)>();
        frontend::bind("", "", [], nothing, write, [BINARY], &mut self.output)
            .map_err(|_| io::Error::other("a statement without parameters has one"))?;
        frontend::execute("", 0, &mut self.output)
    }

    /// Sends what is encoded and reads all answers; each goes to `f` with the place of its statement.
    ///
    /// # Errors
    /// The connection broke; it is of no use any more.
    pub(crate) fn exchange(&mut self, f: &mut dyn FnMut(usize, Reply<'_>)) -> io::Result<Exchanged> {
        frontend::sync(&mut self.output);
        self.send()?;
        self.answers(f)
    }

    /// Runs statements that have neither parameters nor rows, as one text.
    ///
    /// # Errors
    /// The connection broke; it is of no use any more.
    pub(crate) fn batch(&mut self, sql: &str) -> io::Result<Exchanged> {
        frontend::query(sql, &mut self.output)?;
        self.send()?;
        self.answers(&mut |_, _| {})
    }

    /// The rows of one statement by itself: for the opening of a database and the like, where nothing is in a hurry.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn query<T>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, String> {
        let name = self.put_prepare(sql).map_err(|error| error.to_string())?;
        let mut prepared = None;
        let preparing = self.exchange(&mut |_, reply| {
            if let Reply::Described(params, columns) = reply {
                prepared = Some(Prepared::new(name.clone(), params, columns));
            }
        });
        errors::refusal(preparing)?;
        let prepared = prepared.ok_or("the server does not describe the statement")?;
        self.put(&prepared, values::dynamic(params))?;
        let mut rows = Vec::new();
        let asking = self.exchange(&mut |_, reply| {
            if let Reply::Row(body) = reply {
                rows.push(read(&Row::new(DriverRow::Postgres(&ServerRow::new(&prepared, body)), "query")));
            }
        });
        errors::refusal(asking)?;
        rows.into_iter().collect::<Result<_, _>>().map_err(|error| error.to_string())
    }

    fn send(&mut self) -> io::Result<()> {
        if self.is_unread {
            return Err(io::Error::other("the answers of before were not read"));
        }
        self.is_unread = true;
        self.unanswered = self.unanswered.min(SILENCES_MAX);
        let sent = self.socket.write_all(&self.output);
        self.output.clear();
        sent
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the server may say more than was asked for; it is passed over")]
    fn answers(&mut self, f: &mut dyn FnMut(usize, Reply<'_>)) -> io::Result<Exchanged> {
        let (mut place, mut params, mut failed) = (0, Vec::new(), None);
        loop {
            let message = match (self.receive(), failed.take()) {
                (Ok(message), before) => {
                    failed = before;
                    message
                }
                // It says why before it hangs up.
                (Err(_), Some(failed)) => {
                    return Ok(Exchanged { failed: Some(failed), transaction: Transaction::Gone });
                }
                (Err(error), None) => return Err(error),
            };
            let done = match message {
                Message::DataRow(row) => {
                    f(place, Reply::Row(&row));
                    continue;
                }
                Message::CommandComplete(body) => Reply::Done(touched(body.tag()?)),
                Message::EmptyQueryResponse => Reply::Done(0),
                Message::ParameterDescription(body) => {
                    params = params_of(&body)?;
                    continue;
                }
                Message::RowDescription(body) => Reply::Described(std::mem::take(&mut params), columns_of(&body)?),
                Message::NoData => Reply::Described(std::mem::take(&mut params), Vec::new()),
                Message::ErrorResponse(body) => {
                    failed = Some((place, ServerError::read(&body)?));
                    continue;
                }
                Message::ReadyForQuery(body) => {
                    (self.is_unread, self.unanswered) = (false, 0);
                    let transaction = if body.status() == b'I' { Transaction::None } else { Transaction::Open };
                    return Ok(Exchanged { failed, transaction });
                }
                // Settings that were changed, notices, and the halves of answers that say nothing.
                _ => continue,
            };
            f(place, done);
            place += 1;
        }
    }

    fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.input)? {
                return Ok(message);
            }
            match self.socket.read(&mut self.scratch) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up")),
                Ok(read) => self.input.extend_from_slice(&self.scratch[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It says nothing before it has carried out all of them.
                Err(error) if is_silence(&error) && self.unanswered > 1 => self.unanswered -= 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Prepared {
    pub(crate) const fn new(name: String, params: Vec<Type>, columns: Vec<Field>) -> Self {
        Self { name, params, columns }
    }

    pub(crate) fn columns(&self) -> &[Field] {
        &self.columns
    }

    /// Where the parameters begin in what [`Wire::encode`] makes of it: behind the tag, the length, no portal's name, its own,
    /// one format for all and their number.
    pub(crate) const fn params_at(&self) -> usize {
        1 + 4 + 1 + self.name.len() + 1 + 2 + 2 + 2
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// Nothing came within the time that was set.
pub(crate) fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

type Refused = Box<dyn Error + Sync + Send>;

/// Encodes a value; the driver's word for NULL is not its protocol's.
fn write((value, ty): (&(dyn ToSql + Sync), &Type), out: &mut BytesMut) -> Result<IsNull, Refused> {
    Ok(match value.to_sql_checked(ty, out)? {
        types::IsNull::Yes => IsNull::Yes,
        types::IsNull::No => IsNull::No,
    })
}

/// `INSERT 0 1`, `UPDATE 3`, `SELECT 2`, `COMMIT`.
fn touched(tag: &str) -> u64 {
    tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn params_of(body: &ParameterDescriptionBody) -> io::Result<Vec<Type>> {
    body.parameters().map(|oid| Ok(type_of(oid))).collect()
}

fn columns_of(body: &RowDescriptionBody) -> io::Result<Vec<Field>> {
    body.fields().map(|field| Ok(Field { name: field.name().to_owned(), ty: type_of(field.type_oid()) })).collect()
}

/// Ours are all built in. Another one is refused where it is met, with its number.
fn type_of(oid: u32) -> Type {
    Type::from_oid(oid).unwrap_or_else(|| Type::new(format!("type {oid}"), oid, Kind::Simple, String::new()))
}
