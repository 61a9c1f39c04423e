"""What tests of every part share: fakes of all ports, factories of all records, the contract suite."""
