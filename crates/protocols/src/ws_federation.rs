//! WS-Federation passive requestor profile ([MS-MWBF]): a browser carries the messages in query strings and
//! forms.
//!
//! query or form → [`sign_in::decode`] → [`sign_in::accept`] (the named checks) → the service signs the user in →
//! [`response::Response`] → a form that posts itself to the relying party, which reads it by [`read_response`].

mod parameters;
pub mod read_response;
pub mod response;
pub mod sign_in;

#[cfg(test)]
mod tests;
