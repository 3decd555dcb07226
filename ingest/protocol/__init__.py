"""The connector and sync job documents of the Connector Protocol, and the calls that read and write them."""
