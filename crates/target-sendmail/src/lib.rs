//! Delivers notifications by mail through the system's sendmail program.
