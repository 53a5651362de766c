//! Commands, one file a noun: what they print, where, and with which exit code.

mod channel;
mod cluster_config;
mod config_files;
mod context;
mod general;
mod provider;
mod settings;
mod token;
