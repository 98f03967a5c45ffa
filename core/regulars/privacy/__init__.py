"""What people may ask of those who keep data about them: a copy, erasure, restriction."""
