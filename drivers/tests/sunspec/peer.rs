//! Against pymodbus.
