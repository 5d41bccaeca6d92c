"""HL7 v2 over TCP: the minimal lower layer protocol, with TLS from the first byte."""
