//! Rules of approvals.
