//! Fakes that speak the real protocols, law suites, generators, real servers for tests.
