//! The store, its server, the fetcher and the uploader, over real folders and real sockets.

mod fetch_faults;
mod fetch_guard;
mod fetch_resume;
mod local;
mod round_trip;
mod server_limits;
mod server_pages;
mod server_reads;
mod server_uploads;
mod support;
