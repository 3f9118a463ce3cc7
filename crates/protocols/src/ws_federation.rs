//! WS-Federation passive requestor profile ([MS-MWBF]): a browser carries messages in query strings and forms.
