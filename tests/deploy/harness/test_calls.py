"""What the recorder makes of requests: python3 -m unittest discover tests/deploy/harness"""

import json
import unittest

from calls import describe, units

SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA/20260504/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def call(service, method="POST", path="/", target=None, body=b"", **headers):
    given = [("User-Agent", "aws-sdk-rust/1 api/x os/linux app/user-scan"), ("Authorization", SIGNED.format(service))]
    given += [("X-Amz-Target", target)] if target else []
    return describe(method, path, given + list(headers.items()), body if isinstance(body, bytes) else json.dumps(body).encode())


class Described(unittest.TestCase):
    def check(self, found, **expected):
        self.assertEqual({"function": "user-scan", **expected}, found)

    def test_calls_of_nobody_are_not_described(self):
        self.assertIsNone(describe("GET", "/", [("User-Agent", "Boto3/1 Botocore/1")], b""))

    def test_an_index_is_part_of_the_resource(self):
        found = call("dynamodb", target="DynamoDB_20120810.Query", body={"TableName": "t", "IndexName": "due"})
        self.check(found, service="dynamodb", action="Query", resource="table/t/index/due")

    def test_a_transaction_names_the_kinds_of_its_writes(self):
        items = [{"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "t"}}]
        found = call("dynamodb", target="DynamoDB_20120810.TransactWriteItems", body={"TransactItems": items})
        self.check(found, service="dynamodb", action="TransactWriteItems", resource="table/t", items=["Put", "ConditionCheck"])

    def test_a_queue_is_named_by_the_end_of_its_address(self):
        body = {"QueueUrl": "http://localhost:1/123456789012/casbah-test", "Entries": [{}, {}]}
        found = call("sqs", target="AmazonSQS.SendMessageBatch", body=body)
        self.check(found, service="sqs", action="SendMessageBatch", resource="queue/casbah-test", entries=2)

    def test_a_secret_is_named_without_its_six_characters(self):
        arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:casbah/s/contoso-a1B2c3"
        found = call("secretsmanager", target="secretsmanager.GetSecretValue", body={"SecretId": arn})
        self.assertEqual("secret/casbah/s/contoso", found["resource"])

    def test_objects_and_listings_are_told_apart(self):
        found = call("s3", "PUT", "/bucket/raw/a%3Db?x-id=PutObject")
        self.check(found, service="s3", action="PutObject", resource="object/bucket/raw/a=b")
        found = call("s3", "GET", "/bucket?list-type=2&prefix=raw%2F")
        self.check(found, service="s3", action="ListObjectsV2", resource="bucket/bucket", prefix="raw/")
        found = call("s3", "POST", "/bucket?delete", body=b"<Delete><Object><Key>k/1</Key></Object></Delete>")
        self.check(found, service="s3", action="DeleteObjects", resource="object/bucket/k/1", entries=1)

    def test_a_topic_stands_in_the_form(self):
        found = call("sns", body=b"Action=Publish&TopicArn=arn%3Aaws%3Asns%3Ar%3A1%3Atold")
        self.check(found, service="sns", action="Publish", resource="topic/told")

    def test_units_are_read_from_the_answer(self):
        answer = json.dumps({"ConsumedCapacity": [{"CapacityUnits": 4.0}]}).encode()
        self.assertEqual({"write_units": 4.0}, units("TransactWriteItems", answer))


if __name__ == "__main__":
    unittest.main()
