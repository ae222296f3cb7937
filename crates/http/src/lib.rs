//! The one HTTP client: authorised calls for one connection that stay inside the vendor's limits.
//!
//! It knows no app: what an answer means is told by the app's [`Dialect`], what may be spent by its [`gate::Limit`]s.

pub mod address;
mod call;
pub mod gate;
pub mod internet;
pub mod redact;
pub mod retry;
pub mod session;
pub mod stream;

pub use address::{Address, BadAddress, Base};
pub use call::{
    Answer, AuthError, Authenticator, Call, CallError, Dialect, Proved, Prover, Refusal,
    RefusalKind, Scheme, Token,
};
pub use session::{Fetched, Session, SessionParts, Tokens};
pub use stream::{Piece, Records, StreamError};
