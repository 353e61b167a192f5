//! The whole program on loopback, against real servers. The tests stand in `tests/`.
