"""check.py finds what is missing, what is too much, and what is excused for nothing."""

import unittest

from check import Template, check

TEMPLATE = {
    "Parameters": {"KmsKeyArn": {"Default": ""}},
    "Conditions": {"HasKey": {"Fn::Not": [{"Fn::Equals": [{"Ref": "KmsKeyArn"}, ""]}]}},
    "Resources": {
        "Table": {"Type": "AWS::DynamoDB::Table"},
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "ReaderFunction": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": {"Fn::Sub": "${AWS::StackName}-reader"},
                "Role": {"Fn::GetAtt": ["ReaderRole", "Arn"]},
            },
        },
        "ReaderRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "Policies": [
                    {
                        "PolicyDocument": {
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": ["dynamodb:PutItem", "dynamodb:Query"],
                                    "Resource": {"Fn::GetAtt": ["Table", "Arn"]},
                                },
                                {
                                    "Effect": "Allow",
                                    "Action": "s3:GetObject",
                                    "Resource": [{"Fn::Sub": "${Bucket.Arn}/raw/*"}],
                                },
                                {
                                    "Fn::If": [
                                        "HasKey",
                                        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": {"Ref": "KmsKeyArn"}},
                                        {"Ref": "AWS::NoValue"},
                                    ]
                                },
                            ]
                        }
                    }
                ]
            },
        },
    },
}
PHYSICAL = {"Table": "s-table", "Bucket": "s-bucket"}

PUT = {"function": "reader", "service": "dynamodb", "action": "TransactWriteItems", "items": ["Put"], "resource": "table/s-table"}
QUERY = {"function": "reader", "service": "dynamodb", "action": "Query", "resource": "table/s-table"}
READ = {"function": "reader", "service": "s3", "action": "HeadObject", "resource": "object/s-bucket/raw/v1/a"}


def complaints(calls, reasons=(), parameters=None):
    template = Template(TEMPLATE, parameters or {}, PHYSICAL, "s")
    return list(check(template, calls, list(reasons)))


class Complaints(unittest.TestCase):
    def test_there_is_none_when_all_that_is_allowed_was_needed(self):
        self.assertEqual(complaints([PUT, QUERY, READ]), [])

    def test_a_call_that_is_not_allowed_is_named(self):
        update = {**PUT, "items": ["Put", "Update"]}
        found = complaints([update, QUERY, READ])
        self.assertEqual(len(found), 1)
        self.assertIn("dynamodb:UpdateItem on arn:aws:dynamodb", found[0])

    def test_an_index_is_not_its_table(self):
        index = {**QUERY, "resource": "table/s-table/index/due"}
        self.assertEqual(len(complaints([PUT, QUERY, READ, index])), 1)

    def test_another_part_of_the_bucket_is_not_allowed(self):
        other = {**READ, "resource": "object/s-bucket/view/v1/a"}
        self.assertEqual(len(complaints([PUT, QUERY, READ, other])), 1)

    def test_what_was_never_needed_is_named_unless_it_is_excused(self):
        found = complaints([PUT, READ])
        self.assertEqual(len(found), 1)
        self.assertIn("dynamodb:Query", found[0])
        reason = (7, ["*", "dynamodb:Query", "*", "why"])
        self.assertEqual(complaints([PUT, READ], [reason]), [])

    def test_an_excuse_for_nothing_is_named(self):
        reason = (7, ["*", "dynamodb:Query", "*", "why"])
        self.assertIn("allow.txt:7", complaints([PUT, QUERY, READ], [reason])[0])

    def test_an_excuse_for_what_is_needed_at_times_may_be_for_nothing(self):
        reason = (7, ["*", "dynamodb:Query", "*", "at times it is needed"])
        self.assertEqual(complaints([PUT, QUERY, READ], [reason]), [])
        self.assertEqual(complaints([PUT, READ], [reason]), [])

    def test_statements_under_a_condition_count_when_it_holds(self):
        found = complaints([PUT, QUERY, READ], parameters={"KmsKeyArn": "arn:key"})
        self.assertEqual(len(found), 1)
        self.assertIn("kms:Decrypt", found[0])


if __name__ == "__main__":
    unittest.main()
