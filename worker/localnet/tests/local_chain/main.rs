//! The chain client against a real chain: deployments, transactions, subscriptions and migrations over RPC.

mod deployments;
mod endpoints;
mod faulty;
mod local;
mod market;
mod proxy;
mod receipts;
mod sending;
mod support;
mod watching;
