//! Decoder of the Linky meter's TIC stream, no_std.
