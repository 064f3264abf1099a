-- Ten parts to a merge where five are usual: every row is written again once less for every factor of ten (measured with
-- bench/end-to-end.ts: a fifth of the server's CPU time), and a question reads at most some ten parts more.
ALTER TABLE samples MODIFY SETTING merge_selector_base = 10;
ALTER TABLE uptime MODIFY SETTING merge_selector_base = 10;
ALTER TABLE traffic MODIFY SETTING merge_selector_base = 10;
