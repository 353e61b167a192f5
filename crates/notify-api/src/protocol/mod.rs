//! What goes over the socket: one JSON object a line, each way.

mod answer;
mod request;

pub use answer::{
    Accepted, AcceptedTarget, Answer, ErrorAnswer, ErrorKind, EventState, LastAttempt, Pong,
    TargetState,
};
pub use request::{
    EventReference, LegacyRequest, MAX_VALUES, MailRequest, Nothing, Request, SendRequest,
};
